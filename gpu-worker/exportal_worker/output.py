"""The `output` settings common to all job types, and the ffmpeg arguments they mean."""
from dataclasses import dataclass

from .checks import even_number, fields, number, one_of, optional
from .media import Size
from .numbers import even, text

_SIDE = optional(even_number(2, 8192))
_CHECK = fields(
    container=optional(one_of("mp4", "webm", "mov"), "mp4"),
    width=_SIDE,
    height=_SIDE,
    fps=optional(number(1, 120)),
    quality=optional(one_of("low", "medium", "high"), "medium"),
)

#: What every type's params may hold; a missing `output` is the same as an empty one.
WITH_OUTPUT = {"output": optional(lambda value: OutputSettings(**_CHECK(value)), None)}

#: Constant qualities; lower is better. The scales of the encoders differ.
_X264_CRF = {"low": 28, "medium": 23, "high": 18}
_NVENC_CQ = {"low": 33, "medium": 28, "high": 22}
_VP9_CRF = {"low": 40, "medium": 33, "high": 24}
_AUDIO_KBITS = {"low": 96, "medium": 128, "high": 192}


@dataclass(frozen=True)
class OutputSettings:
    container: str = "mp4"
    width: int | None = None
    height: int | None = None
    fps: int | float | None = None
    quality: str = "medium"


def output_of(params: dict) -> OutputSettings:
    return params["output"] or OutputSettings()


def output_filters(size: Size, output: OutputSettings) -> list[str]:
    """Filters from a picture of `size` to the one asked for: scaled to fit, black bars where the aspect differs."""
    target = output_size(size, output)
    filters = []
    scale = min(target.width / size.width, target.height / size.height)
    fit = Size(even(size.width * scale), even(size.height * scale))
    if fit != size:
        filters.append(f"scale={fit.width}:{fit.height}")
    if fit != target:
        filters.append(f"pad={target.width}:{target.height}:(ow-iw)/2:(oh-ih)/2")
    if output.fps is not None:
        filters.append(f"fps={text(output.fps)}")
    # Most players know nothing but 4:2:0.
    return [*filters, "setsar=1", "format=yuv420p"]


def output_size(size: Size, output: OutputSettings) -> Size:
    """The size of the output in pixels, both even. With one side given the other keeps the aspect."""
    aspect = size.width / size.height
    width, height = output.width, output.height
    if width is not None:
        return Size(width, height if height is not None else even(width / aspect))
    if height is not None:
        return Size(even(height * aspect), height)
    return Size(even(size.width), even(size.height))


def encoder_args(output: OutputSettings, has_audio: bool, nvenc: bool) -> list[str]:
    """Encoder and container arguments. `nvenc` puts the GPU in libx264's place; it has no encoder for VP9."""
    quality = output.quality
    audio = ["-b:a", f"{_AUDIO_KBITS[quality]}k", "-ac", "2"]
    if output.container == "webm":
        video = ["-c:v", "libvpx-vp9", "-crf", str(_VP9_CRF[quality]), "-b:v", "0"]
        fast = ["-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1"]
        return [*video, *fast, *(["-c:a", "libopus", *audio] if has_audio else []), "-f", "webm"]
    sound = ["-c:a", "aac", *audio] if has_audio else []
    return [*_h264(quality, nvenc), *sound, "-movflags", "+faststart", "-f", output.container]


def _h264(quality: str, nvenc: bool) -> list[str]:
    if not nvenc:
        return ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(_X264_CRF[quality])]
    rate = ["-rc", "vbr", "-cq", str(_NVENC_CQ[quality]), "-b:v", "0"]
    return ["-c:v", "h264_nvenc", "-preset", "p5", *rate, "-profile:v", "high"]
