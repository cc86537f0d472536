"""
Reads the contents of a media file by ffprobe. The container is determined by its first bytes, never by ffprobe's guess.
"""
import json
import os
import subprocess
import threading
from collections.abc import Callable

from .failure import JobFailure, invalid_media
from .ffmpeg import CHILD_ENV, FILES_OUT_OF_REACH, Ffmpeg, failure_of, signal_name
from .jpeg_end import jpeg_end
from .media import Media
from .orientation import turn_of_image
from .stop import Stop
from .streams import Packets, choose, take

#: ISO media begin with the brands in their first box; older QuickTime files begin with one of the other boxes.
_MOV_BOXES = {b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_MAGIC = (
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"OggS", "ogg"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01", "mxf"),
    (b"GIF8", "gif"),
)
#: Plain packets, packets with a timestamp before each, and packets with a checksum after each.
_PACKET_BYTES = (188, 192, 204)
_HEAD_BYTES = 1024
#: No JPEG picture ends later; of a film in place of an image no more is read into memory.
_MAX_IMAGE_BYTES = 64 * 1024 * 1024
_PACKET = "packet=stream_index,pts_time,dts_time,duration_time,flags"


def probe(path: str, ffmpeg: Ffmpeg, what: str = "The input", stop: Stop | None = None) -> Media:
    """
    Reads the whole file at `path`: only its packets determine its duration and the times of its frames. `what` names it
    in the failure. Raises `invalid_media` when it is no video, `Stopped` when the job is stopped.
    """
    demuxer = demuxer_of(path)
    if demuxer is None:
        raise invalid_media(
            f"{what} is not a video that can be read: it must be MP4, MOV, WebM, MKV, MPEG-TS, AVI, WMV, FLV, MPG, "
            "OGV, MXF or GIF."
        )
    source = ["-v", "error", "-protocol_whitelist", "file", "-f", demuxer, "-i", path]
    packets: Packets = {}
    rest: list[str] = []

    def read_line(line: str) -> None:
        # The packets come first, one per line: they may be too many to keep as text.
        if rest:
            rest.append(line)
        elif line.startswith("    ],"):
            rest.append("{")
        else:
            take(packets, line)

    asked = ["-show_format", "-show_programs", "-show_streams", "-show_entries", _PACKET, "-of", "json=compact=1"]
    _ask(ffmpeg, [*source, *asked], what, stop, read_line)
    return choose(demuxer, json.loads("".join(rest) or "{}"), packets, ffmpeg.decodes, what)


def demuxer_of(path: str) -> str | None:
    """ffmpeg's demuxer for the file, by its first bytes; None for an unsupported container."""
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
    if head[4:8] in _MOV_BOXES:
        return "mov"
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return "avi"
    for magic, demuxer in _MAGIC:
        if head.startswith(magic):
            return demuxer
    return "mpegts" if _is_transport_stream(head) else None


def _is_transport_stream(head: bytes) -> bool:
    """Packets begin with `G`, and a recording may begin within one (ISO/IEC 13818-1, 2.4.3.2)."""
    return any(head[start::step][:4] == b"GGGG" for step in _PACKET_BYTES for start in range(step))


def image_facts(path: str, key: str) -> tuple[str, str]:
    """
    ffmpeg's demuxer for an image, and its orientation. Cuts off what follows the picture in a JPEG. Raises
    `invalid_media` when it is neither PNG nor JPEG.
    """
    with open(path, "rb") as file:
        image = file.read(_MAX_IMAGE_BYTES)
    if image[:4] == b"\x89PNG":
        return "png_pipe", turn_of_image(image)
    if image[:2] != b"\xff\xd8":
        raise invalid_media(f'The image "{key}" is neither PNG nor JPEG.')
    end = jpeg_end(image)
    if end < len(image):
        os.truncate(path, end)
    return "jpeg_pipe", turn_of_image(image)


def _ask(ffmpeg: Ffmpeg, args: list[str], what: str, stop: Stop | None, on_line: Callable[[str], None]) -> None:
    """Runs ffprobe to its end."""
    stop = stop or Stop()
    stop.check()
    try:
        child = subprocess.Popen(
            [ffmpeg.probe_path, *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=CHILD_ENV,
        )
    except OSError as error:
        raise JobFailure("worker_error", f"ffprobe did not start: {error.strerror}", True) from None
    assert child.stdout is not None and child.stderr is not None
    said: list[str] = []
    listener = threading.Thread(target=said.extend, args=(child.stderr,), daemon=True)
    listener.start()
    with child, stop.calling(child.kill):
        for line in child.stdout:
            on_line(line)
        code = child.wait()
        listener.join()
    stop.check()
    if code < 0:
        raise failure_of(None, signal_name(code), "")
    if code != 0:
        # Its error message contains the path; the text after the last colon is the reason.
        reason = "".join(said).strip().rsplit(": ", 1)[-1] or "it cannot be read"
        if FILES_OUT_OF_REACH.search(reason):
            raise JobFailure("worker_error", f"{what} cannot be read by this worker: {reason}.", True)
        raise invalid_media(f"{what} is damaged: {reason}.")
