"""The work of a RunPod worker for Exportal, without RunPod: only the standard library and ffmpeg are needed."""
