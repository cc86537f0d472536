"""
Runs ffmpeg. Only exit code 0 is success: on SIGTERM it writes a playable part of the file and prints `progress=end`, so
neither of them proves anything. A stopped job does not need that part, so ffmpeg is killed: encoding its buffered
frames would take seconds.
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
from .text.characters import Shaper

log = logging.getLogger("exportal")

_KEPT_LINES = 40

#: A static build that loads character converters of another C library crashes; none are needed here.
CHILD_ENV = {**os.environ, "GCONV_PATH": "/nonexistent"}

_ENCODERS = ("libx264", "aac", "libvpx-vp9", "libopus")
_FILTERS = ("ass", "drawtext", "color", "colorchannelmixer", "overlay", "movie", "crop", "scale", "pad", "fps",
            "transpose", "setparams", "sidedata", "pan", "loop", "setpts", "select", "interleave",
            "streamselect")
#: Required for some inputs only.
_SOME_FILTERS = ("zscale", "tonemap", "premultiply", "bwdif", "join")


@dataclass(frozen=True)
class Ffmpeg:
    path: str
    probe_path: str
    #: Whether the GPU encodes H.264.
    nvenc: bool
    #: Required encoders and filters that it lacks, or else which of `ffmpeg` and `ffprobe` does not run.
    missing: Sequence[str] = ()
    #: The codecs that it decodes, by ffprobe's names; None means all, without a query.
    decoders: frozenset[str] | None = None
    #: Whether it supports `-fps_mode`, the successor of `-vsync`.
    fps_mode: bool = False
    #: Its text shaper: HarfBuzz or FriBidi of its libass, `none` without libass.
    shaper: Shaper = "harfbuzz"

    def decodes(self, codec: str) -> bool:
        return codec != "" and (self.decoders is None or codec in self.decoders)


def find_ffmpeg(environment: Mapping[str, str]) -> Ffmpeg:
    """
    Finds ffmpeg and ffprobe by `FFMPEG_PATH` and `FFPROBE_PATH`, else on PATH, and reads their features.
    `EXPORTAL_ENCODER` is `auto`, `nvenc` or `libx264`; `auto` selects NVENC after a successful trial encoding of a few
    frames, since the encoder is listed even without a GPU.
    """
    path = _program(environment.get("FFMPEG_PATH") or "ffmpeg")
    probe_path = _program(environment.get("FFPROBE_PATH") or "ffprobe")
    wanted = environment.get("EXPORTAL_ENCODER") or "auto"
    if wanted not in ("auto", "nvenc", "libx264"):
        raise ValueError("EXPORTAL_ENCODER must be auto, nvenc or libx264")
    nvenc = wanted == "nvenc" or (wanted == "auto" and _nvenc_works(path))
    version, encoders, filters, codecs = (
        _run([path, "-hide_banner", flag]).stdout for flag in ("-version", "-encoders", "-filters", "-codecs")
    )
    missing = [
        *(name for name in _ENCODERS if not _lists(encoders, name)),
        *(name for name in (*_FILTERS, *_SOME_FILTERS) if not _lists(filters, name)),
    ]
    decoders = frozenset(re.findall(r"^ D\S{5} (\w+)", codecs, re.MULTILINE))
    age = re.search(r"^libavcodec\s+(\d+)\.", version, re.MULTILINE)
    named = re.search(r"^ffmpeg version (\S+)", version, re.MULTILINE)
    encoder = "NVENC" if nvenc else "libx264"
    log.info("ffmpeg is %s, version %s, H.264 by %s", path, named[1] if named else "unknown", encoder)
    if wanted == "auto" and not nvenc and (gpus := _gpus()):
        log.warning("There is a GPU (%s), but NVENC does not work: jobs are encoded by the processor", ", ".join(gpus))
    programs = (("ffmpeg", version), ("ffprobe", _run([probe_path, "-version"]).stdout))
    broken = [name for name, output in programs if not output]
    if broken:
        log.error("%s does not run, so every job will fail: install it, or set its path", " and ".join(broken))
        # Without the program nothing is known of its filters; a job that needs one may be retried on another worker.
        missing = broken
    elif missing:
        log.warning("ffmpeg lacks %s: jobs that need it will fail", ", ".join(missing))
    shaper: Shaper = "harfbuzz" if "ffmpeg" in broken else _shaper_of(path)
    fps_mode = age is not None and int(age[1]) >= 60
    return Ffmpeg(path, probe_path, nvenc, missing, decoders or None, fps_mode, shaper)


def _program(path: str) -> str:
    """Absolute unless it is a name for PATH: a relative path would be looked up in the directory of each job."""
    return os.path.abspath(path) if os.path.dirname(path) else path


def _shaper_of(path: str) -> Shaper:
    """libass prints its shapers when it starts, before it fails to open the file, which does not exist."""
    command = [path, "-v", "info", "-f", "lavfi", "-i", "color=s=16x16:d=1", "-vf", "ass=f=none", "-f", "null", "-"]
    said = _run(command).stderr.lower()
    if "no such filter" in said:
        return "none"
    return "harfbuzz" if "harfbuzz" in said else "fribidi"


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """ffmpeg's output about itself; empty when it does not run, which every job will report."""
    try:
        return subprocess.run(
            command,
            # ffmpeg would read stdin for commands.
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
            encoding="utf-8",
            errors="replace",
            env=CHILD_ENV,
        )
    except (OSError, subprocess.TimeoutExpired):
        return subprocess.CompletedProcess(command, 1, "", "")


def _lists(output: str, name: str) -> bool:
    return re.search(rf"^\s*\S+\s+{name}\s", output, re.MULTILINE) is not None


def _nvenc_works(path: str) -> bool:
    source = ["-f", "lavfi", "-i", "color=black:s=256x256:r=25", "-frames:v", "5"]
    command = [path, "-v", "error", "-nostdin", *source, "-c:v", "h264_nvenc", "-f", "null", "-"]
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _gpus() -> list[str]:
    """The names of NVIDIA's GPUs; empty without its driver."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        result = subprocess.run(command, capture_output=True, timeout=60, check=True, encoding="utf-8", errors="replace")
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in result.stdout.splitlines() if line.strip()]


def run_ffmpeg(
    path: str, args: Sequence[str], cwd: str, stop: Stop, on_seconds: Callable[[float], None] = lambda seconds: None
) -> str:
    """
    Runs ffmpeg and returns its last lines of output. Every path in `args` is relative to `cwd`. `on_seconds` is called
    with the seconds of output written so far. Raises a `JobFailure` (`EncoderFailed` when the encoder does not open),
    or `Stopped` after the process has ended.
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
            # In the directory of the fonts; fontconfig accepts no relative path.
            env={**CHILD_ENV, "FONTCONFIG_FILE": os.path.join(cwd, "../fonts.conf")},
        )
    except OSError as error:
        raise failure_of(None, None, error.strerror or "it cannot be run") from None
    assert child.stdout is not None and child.stderr is not None
    said: deque[str] = deque(maxlen=_KEPT_LINES)
    listener = threading.Thread(target=said.extend, args=(child.stderr,), daemon=True)
    listener.start()
    try:
        with stop.calling(child.kill):
            _read_progress(child.stdout, on_seconds)
            code = child.wait()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
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
    """The encoder does not open; if it is a GPU's, the job can continue with libx264."""


#: Signals from other processes; every other signal is a crash.
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
#: A failure of the worker's own files. Demuxers print "Input/output error" for damaged files too, muxers do not.
FILES_OUT_OF_REACH = re.compile(
    r"no such file or directory|not a directory|permission denied|read-only file system|disk quota exceeded"
    r"|file too large|too many open files|stale file handle"
    r"|(could not write|error writing|error closing|error opening output|write_frame|muxer).*: input/output error",
    re.IGNORECASE,
)
#: The filter that reads an image, or a source of the graph that fails as it decodes: only images are decoded there.
_IMAGE_UNREADABLE = re.compile(r"movie@image-|error while filtering: invalid data", re.IGNORECASE)
_IMPOSSIBLE = re.compile(
    r"picture size \S+ is invalid|dimensions .* (not supported|too large)|invalid (frame|image) size"
    r"|width not divisible|rematrix is needed|unsupported channel layout|invalid channel layout"
    r"|channel layout .* not supported|sample rate .* not supported",
    re.IGNORECASE,
)


def failure_of(code: int | None, killed_by: str | None, said: str) -> JobFailure:
    """
    Maps a failed run of ffmpeg to its cause and whether a retry may help. `killed_by` is the signal if one ended it.
    Crashes, missing components and impossible results are identified; every other failure is caused by the input.
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
    out_of_reach = next(filter(FILES_OUT_OF_REACH.search, lines), None)
    if out_of_reach is not None:
        message = f"The worker's files cannot be read or written. ffmpeg says: {out_of_reach}"
        return JobFailure("worker_error", message, True)
    image = next(filter(_IMAGE_UNREADABLE.search, lines), None)
    if image is not None:
        return invalid_media(f"An image could not be decoded; it may be damaged. ffmpeg says: {image}")
    last = lines[-1] or f"exit code {code}"
    return invalid_media(f"The input could not be decoded to its end; it may be damaged. ffmpeg says: {last}")


def _read_progress(lines: IO[str], on_seconds: Callable[[float], None]) -> None:
    """
    Parses the `key=value` lines of `-progress`; ignores those without a number yet (`N/A`) and with a negative one.
    """
    for line in lines:
        key, _, value = line.strip().partition("=")
        if key == "out_time_us" and value.isdigit():
            on_seconds(int(value) / 1e6)
