"""
Running ffmpeg. Success is exit code 0 and nothing else: on SIGTERM it writes a playable half of the file and says
`progress=end`, so neither the file nor that line proves anything.
"""
import logging
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from .failure import JobFailure, invalid_media
from .stop import Stop

log = logging.getLogger("exportal")

_KEPT_LINES = 40
#: Between SIGTERM and SIGKILL, seconds.
_KILL_AFTER_S = 5.0


@dataclass(frozen=True)
class Ffmpeg:
    path: str
    probe_path: str
    #: Whether the GPU encodes H.264.
    nvenc: bool


def find_ffmpeg(environment: Mapping[str, str]) -> Ffmpeg:
    """
    ffmpeg by `FFMPEG_PATH` and `FFPROBE_PATH`, else on PATH. `EXPORTAL_ENCODER` is `auto`, `nvenc` or `libx264`;
    `auto` takes NVENC when it really encodes a few frames here, since the encoder is listed without a GPU too.
    """
    path = environment.get("FFMPEG_PATH") or "ffmpeg"
    wanted = environment.get("EXPORTAL_ENCODER") or "auto"
    if wanted not in ("auto", "nvenc", "libx264"):
        raise ValueError("EXPORTAL_ENCODER must be auto, nvenc or libx264")
    nvenc = wanted == "nvenc" or (wanted == "auto" and _nvenc_works(path))
    log.info("ffmpeg is %s, H.264 by %s", path, "NVENC" if nvenc else "libx264")
    return Ffmpeg(path, environment.get("FFPROBE_PATH") or "ffprobe", nvenc)


def _nvenc_works(path: str) -> bool:
    source = ["-f", "lavfi", "-i", "color=black:s=256x256:r=25", "-frames:v", "5"]
    command = [path, "-v", "error", "-nostdin", *source, "-c:v", "h264_nvenc", "-f", "null", "-"]
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def run_ffmpeg(
    path: str, args: Sequence[str], cwd: str, stop: Stop, on_seconds: Callable[[float], None] = lambda seconds: None
) -> None:
    """
    Runs ffmpeg to its end. Every path in `args` is relative to `cwd`. `on_seconds` gets the seconds of output written
    so far. Raises a `JobFailure`, or `Stopped` once the process is really gone.
    """
    stop.check()
    try:
        child = subprocess.Popen(
            [path, *args],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise failure_of(None, None, error.strerror or "it cannot be run") from None
    assert child.stdout is not None and child.stderr is not None
    said: deque[str] = deque(maxlen=_KEPT_LINES)
    listener = threading.Thread(target=said.extend, args=(child.stderr,), daemon=True)
    listener.start()
    killers: list[threading.Timer] = []

    def end() -> None:
        child.terminate()
        killer = threading.Timer(_KILL_AFTER_S, child.kill)
        killers.append(killer)
        killer.start()

    try:
        with stop.calling(end):
            _read_progress(child.stdout, on_seconds)
            code = child.wait()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        for killer in killers:
            killer.cancel()
        listener.join()
        child.stdout.close()
        child.stderr.close()
    stop.check()
    if code != 0:
        killed_by = signal.Signals(-code).name if code < 0 else None
        raise failure_of(None if code < 0 else code, killed_by, "".join(said).strip())


def failure_of(code: int | None, killed_by: str | None, said: str) -> JobFailure:
    """What an unsuccessful end of ffmpeg means. `killed_by` is the signal if something else here killed it."""
    if killed_by is not None:
        message = f"ffmpeg was killed by {killed_by}; the computer may be out of memory."
        return JobFailure("out_of_memory", message, True)
    if code is None:
        return JobFailure("worker_error", f"ffmpeg did not start: {said}", True)
    lower = said.lower()
    if "cannot allocate memory" in lower or "out of memory" in lower:
        return JobFailure("out_of_memory", "The worker ran out of memory while it rendered.", True)
    if "no space left on device" in lower:
        return JobFailure("worker_error", "The worker ran out of disk.", True)
    last = said.split("\n")[-1] or f"exit code {code}"
    return invalid_media(f"The input could not be decoded to its end; it may be damaged. ffmpeg says: {last}")


def _read_progress(lines: IO[str], on_seconds: Callable[[float], None]) -> None:
    """The `key=value` lines of `-progress`. Those that are not yet a number (`N/A`) or negative are passed over."""
    for line in lines:
        key, _, value = line.strip().partition("=")
        if key == "out_time_us" and value.isdigit():
            on_seconds(int(value) / 1e6)
