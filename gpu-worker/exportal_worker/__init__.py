"""The RunPod-independent part of an Exportal worker: it requires only the standard library and ffmpeg."""

#: Version of the project: a test compares it with package.json, which is not in the image.
VERSION = "0.2.0"
