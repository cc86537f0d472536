"""What a media file holds, by ffprobe. The container is told by its first bytes, never left to guess."""
import json
import subprocess

from .failure import JobFailure, invalid_media
from .media import Media

_TIMEOUT_S = 120
#: The brands of ISO media begin in the first box; older QuickTime files begin with one of the other boxes.
_MOV_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}


def probe(path: str, ffprobe: str = "ffprobe", what: str = "The input") -> Media:
    """Reads the file at `path`. Raises `invalid_media` when it is no video; `what` names it in the sentence."""
    demuxer = demuxer_of(path)
    if demuxer is None:
        raise invalid_media(
            f"{what} is not a video that can be read: it must be MP4, MOV, WebM, MKV or MPEG-TS."
        )
    found = _ask(path, demuxer, ffprobe, what)
    streams = found.get("streams", [])
    video = next((each for each in streams if _is_video(each)), None)
    if video is None:
        raise invalid_media(f"{what} has no video track.")
    duration = float(found.get("format", {}).get("duration") or 0)
    width, height = _display_size(video)
    if not (duration > 0 and width > 0 and height > 0):
        raise invalid_media(f"{what} holds no picture.")
    has_audio = any(each.get("codec_type") == "audio" for each in streams)
    return Media(demuxer, duration, width, height, has_audio)


def demuxer_of(path: str) -> str | None:
    """ffmpeg's demuxer for the file, by its first bytes; None for what is no container of ours."""
    with open(path, "rb") as file:
        head = file.read(400)
    if head[4:8] in _MOV_BOXES:
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    # Packets of 188 bytes, or of 192 with a time before each.
    for start, step in ((0, 188), (4, 192)):
        if head[start : start + 1] == b"\x47" == head[start + step : start + step + 1]:
            return "mpegts"
    return None


def image_demuxer(path: str, key: str) -> str:
    """ffmpeg's demuxer for an image. Raises `invalid_media` for what is neither PNG nor JPEG."""
    with open(path, "rb") as file:
        head = file.read(4)
    if head == b"\x89PNG":
        return "png_pipe"
    if head[:2] == b"\xff\xd8":
        return "jpeg_pipe"
    raise invalid_media(f'The image "{key}" is neither PNG nor JPEG.')


def _ask(path: str, demuxer: str, ffprobe: str, what: str) -> dict:
    command = [ffprobe, "-v", "error", "-protocol_whitelist", "file", "-f", demuxer]
    command += ["-show_format", "-show_streams", "-of", "json", "-i", path]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise invalid_media(f"{what} is damaged: it could not be read within {_TIMEOUT_S} s.") from None
    except OSError as error:
        raise JobFailure("worker_error", f"ffprobe did not start: {error.strerror}", True) from None
    if done.returncode != 0:
        # Its complaint names the path; what follows the last colon is the reason.
        reason = done.stderr.decode(errors="replace").strip().rsplit(": ", 1)[-1] or "it cannot be read"
        raise invalid_media(f"{what} is damaged: {reason}")
    return json.loads(done.stdout)


def _is_video(stream: dict) -> bool:
    """A cover picture of a piece of music is no video."""
    return stream.get("codec_type") == "video" and not stream.get("disposition", {}).get("attached_pic")


def _display_size(video: dict) -> tuple[int, int]:
    """Size with square pixels, the larger side kept, and after rotation."""
    width, height = int(video.get("width") or 0), int(video.get("height") or 0)
    across, _, down = str(video.get("sample_aspect_ratio") or "1:1").partition(":")
    ratio = int(across) / int(down) if across.isdigit() and down.isdigit() and int(down) else 1
    if ratio > 1:
        width = round(width * ratio)
    elif 0 < ratio < 1:
        height = round(height / ratio)
    rotations = [side["rotation"] for side in video.get("side_data_list", []) if "rotation" in side]
    turned = round(float(rotations[0])) % 180 == 90 if rotations else False
    return (height, width) if turned else (width, height)
