"""
Running ffmpeg. Success is exit code 0 and nothing else: on SIGTERM it writes a playable half of the file and says
`progress=end`, so neither the file nor that line proves anything.
"""
import logging
import os
import re
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


#: A static build that loads converters of another C library than its own crashes; no text is converted here.
CHILD_ENV = {**os.environ, "GCONV_PATH": "/nonexistent"}

_ENCODERS = ("libx264", "aac", "libvpx-vp9", "libopus")
_FILTERS = ("drawtext", "overlay", "crop", "scale", "pad", "fps", "transpose", "setparams", "sidedata", "pan",
            "loop", "setpts")
#: Only for some inputs.
_HDR_FILTERS = ("zscale", "tonemap")


@dataclass(frozen=True)
class Ffmpeg:
    path: str
    probe_path: str
    #: Whether the GPU encodes H.264.
    nvenc: bool
    #: Encoders and filters it should have and has not.
    missing: Sequence[str] = ()
    #: The codecs that it decodes, by the names that ffprobe gives them; None: not asked, all.
    decoders: frozenset[str] | None = None
    #: Whether it knows `-fps_mode`, which takes the place of `-vsync`.
    fps_mode: bool = False

    def decodes(self, codec: str) -> bool:
        return codec != "" and (self.decoders is None or codec in self.decoders)


def find_ffmpeg(environment: Mapping[str, str]) -> Ffmpeg:
    """
    ffmpeg by `FFMPEG_PATH` and `FFPROBE_PATH`, else on PATH, and what it can. `EXPORTAL_ENCODER` is `auto`, `nvenc` or
    `libx264`; `auto` takes NVENC when it really encodes a few frames here, since the encoder is listed without a GPU
    too.
    """
    path = environment.get("FFMPEG_PATH") or "ffmpeg"
    wanted = environment.get("EXPORTAL_ENCODER") or "auto"
    if wanted not in ("auto", "nvenc", "libx264"):
        raise ValueError("EXPORTAL_ENCODER must be auto, nvenc or libx264")
    nvenc = wanted == "nvenc" or (wanted == "auto" and _nvenc_works(path))
    version, encoders, filters, codecs = (_told(path, flag) for flag in ("-version", "-encoders", "-filters", "-codecs"))
    missing = [
        *(name for name in _ENCODERS if not _lists(encoders, name)),
        *(name for name in (*_FILTERS, *_HDR_FILTERS) if not _lists(filters, name)),
    ]
    decoders = frozenset(re.findall(r"^ D\S{5} (\w+)", codecs, re.MULTILINE))
    age = re.search(r"^libavcodec\s+(\d+)\.", version, re.MULTILINE)
    named = re.search(r"^ffmpeg version (\S+)", version, re.MULTILINE)
    encoder = "NVENC" if nvenc else "libx264"
    log.info("ffmpeg is %s, version %s, H.264 by %s", path, named[1] if named else "unknown", encoder)
    if missing:
        log.warning("ffmpeg lacks %s: jobs that need it will fail", ", ".join(missing))
    probe_path = environment.get("FFPROBE_PATH") or "ffprobe"
    return Ffmpeg(path, probe_path, nvenc, missing, decoders or None, age is not None and int(age[1]) >= 60)


def _told(path: str, flag: str) -> str:
    """What ffmpeg says about itself; nothing when it does not run, which each job finds out by itself."""
    command = [path, "-hide_banner", flag]
    try:
        return subprocess.run(
            command, capture_output=True, timeout=60, check=False, encoding="utf-8", errors="replace", env=CHILD_ENV
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _lists(told: str, name: str) -> bool:
    return re.search(rf"^\s*\S+\s+{name}\s", told, re.MULTILINE) is not None


def _nvenc_works(path: str) -> bool:
    source = ["-f", "lavfi", "-i", "color=black:s=256x256:r=25", "-frames:v", "5"]
    command = [path, "-v", "error", "-nostdin", *source, "-c:v", "h264_nvenc", "-f", "null", "-"]
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def run_ffmpeg(
    path: str, args: Sequence[str], cwd: str, stop: Stop, on_seconds: Callable[[float], None] = lambda seconds: None
) -> str:
    """
    Runs ffmpeg to its end and answers the last of what it said. Every path in `args` is relative to `cwd`. `on_seconds`
    gets the seconds of output written so far. Raises a `JobFailure` (`EncoderFailed` when it is the encoder that does
    not open), or `Stopped` once the process is really gone.
    """
    stop.check()
    try:
        child = subprocess.Popen(
            [path, *args],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=CHILD_ENV,
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
        killed_by = signal_name(code) if code < 0 else None
        raise failure_of(None if code < 0 else code, killed_by, "".join(said).strip())
    return "".join(said).strip()


def signal_name(code: int) -> str:
    """The signal of a negative return code."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


class EncoderFailed(JobFailure):
    """The encoder does not open: with a GPU's the same job can go on with libx264."""


#: Signals that a process gets from others; every other one is a crash of its own.
_FROM_OUTSIDE = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")

_ENCODER_FAILED = re.compile(
    r"error (while opening|initializing) (encoder|output stream)|could not open encoder|openencodesessionex"
    r"|no capable devices found|cannot load (lib)?(cuda|nvcuda|nvidia-encode|nvencodeapi)",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"no such filter|unknown encoder|encoder .* not found|unknown decoder|unrecognized option|option .* not found",
    re.IGNORECASE,
)
_IMPOSSIBLE = re.compile(
    r"picture size \S+ is invalid|dimensions .* (not supported|too large)|invalid (frame|image) size"
    r"|width not divisible|rematrix is needed|unsupported channel layout|invalid channel layout"
    r"|channel layout .* not supported|sample rate .* not supported",
    re.IGNORECASE,
)


def failure_of(code: int | None, killed_by: str | None, said: str) -> JobFailure:
    """
    What an unsuccessful end of ffmpeg means: who is at fault, and whether another attempt may help. `killed_by` is the
    signal if one ended it. A crash, a missing part and an impossible result are named as such; what is left is about
    the input.
    """
    if killed_by == "SIGKILL":
        message = "ffmpeg was killed by SIGKILL; the computer may be out of memory."
        return JobFailure("out_of_memory", message, True)
    if killed_by is not None:
        if killed_by in _FROM_OUTSIDE:
            return JobFailure("worker_error", f"ffmpeg was ended from outside by {killed_by}.", True)
        return JobFailure("worker_error", f"ffmpeg crashed on this input ({killed_by}).", False)
    if code is None:
        return JobFailure("worker_error", f"ffmpeg did not start: {said}", True)
    lines = said.split("\n")
    unopened = next(filter(_ENCODER_FAILED.search, lines), None)
    kind = JobFailure if unopened is None else EncoderFailed
    lower = said.lower()
    if "cannot allocate memory" in lower or "out of memory" in lower:
        return kind("out_of_memory", "The worker ran out of memory while it rendered.", True)
    if "no space left on device" in lower:
        return JobFailure("worker_error", "The worker ran out of disk.", True)
    missing = next(filter(_MISSING.search, lines), None)
    if missing is not None:
        return JobFailure("worker_error", f"This worker's ffmpeg lacks what the job needs: {missing}", False)
    impossible = next(filter(_IMPOSSIBLE.search, lines), None)
    if impossible is not None:
        message = f"The result cannot be made as asked for. ffmpeg says: {impossible}"
        return kind("invalid_params", message, False)
    if unopened is not None:
        return kind("worker_error", f"The encoder does not open. ffmpeg says: {unopened}", True)
    last = lines[-1] or f"exit code {code}"
    return invalid_media(f"The input could not be decoded to its end; it may be damaged. ffmpeg says: {last}")


def _read_progress(lines: IO[str], on_seconds: Callable[[float], None]) -> None:
    """The `key=value` lines of `-progress`. Those that are not yet a number (`N/A`) or negative are passed over."""
    for line in lines:
        key, _, value = line.strip().partition("=")
        if key == "out_time_us" and value.isdigit():
            on_seconds(int(value) / 1e6)
