"""A still image of a result, for lists and players, taken from the result, whose orientation and colours are known."""
import logging
import os
import threading
from collections.abc import Sequence

from .colour import EXACT
from .ffmpeg import run_ffmpeg
from .media import Media
from .numbers import rounded, text
from .stop import Stop
from .transfer import upload

log = logging.getLogger("exportal")

_POSTER_NAME = "poster.jpg"
_MOST_WIDTH = 1280
#: Maximum time that a completion waits for its poster, seconds.
POSTER_S = 20.0


def poster_args(result: Media, name: str) -> list[str]:
    """
    The arguments that create a JPEG in the file `name` from the result's first second, or from less of a shorter one.
    """
    wanted = min(1, result.duration / 10)
    times = result.picture.times
    shown = next((at for at in reversed(times) if at <= wanted), times[0] if times else 0)
    # Seeking ends at the next frame, so the position is slightly earlier.
    start = max(0, rounded((result.lead + shown) * 1000 - 1) / 1000)
    side = min(_MOST_WIDTH, result.width)
    size = f"{text(side)}:{max(1, rounded(result.height * side / result.width))}"
    # JFIF uses BT.601 of full range.
    colours = "in_color_matrix=bt709:in_range=tv:out_color_matrix=bt601:out_range=pc"
    return [
        *("-hide_banner", "-nostdin", "-v", "error", "-y"),
        *(("-ss", text(start)) if start > 0 else ()),
        *("-protocol_whitelist", "file", "-f", result.demuxer, "-i", name),
        *("-map", f"0:{result.picture.index}", "-frames:v", "1", "-map_metadata", "-1"),
        *("-vf", f"scale={size}:{EXACT}:{colours},format=yuvj420p"),
        # `bitexact` also omits the encoder's name.
        *("-c:v", "mjpeg", "-q:v", "3", "-flags:v", "+bitexact", "-f", "mjpeg", _POSTER_NAME),
    ]


def store_poster(
    ffmpeg: str, result: Media, path: str, url: str, stop: Stop, waits: Sequence[float], limit_s: float = POSTER_S
) -> bool:
    """
    Creates and stores a poster of the result at `path` by one PUT, without retries; returns whether it was stored. A
    failure or timeout does not fail the job. Raises `Stopped` when the job is stopped.
    """
    directory, name = os.path.split(path)
    poster = os.path.join(directory, _POSTER_NAME)
    limited = Stop()
    timer = threading.Timer(limit_s, limited.set, (f"it took longer than {limit_s:g} s",))
    timer.daemon = True
    timer.start()
    try:
        with stop.calling(lambda: limited.set(stop.reason)):
            run_ffmpeg(ffmpeg, poster_args(result, name), directory, limited)
            if os.path.getsize(poster) == 0:
                raise ValueError("ffmpeg found no frame")
            upload(poster, url, "image/jpeg", limited, waits=waits, timeout_s=limit_s / 2)
        return True
    except Exception as trouble:
        stop.check()
        log.warning("there is no poster: %s", trouble or type(trouble).__name__)
        return False
    finally:
        timer.cancel()
