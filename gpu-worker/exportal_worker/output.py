"""The `output` settings common to all job types, and their ffmpeg arguments."""
from dataclasses import dataclass

from .checks import even_number, fields, number, one_of, optional
from .colour import EXACT
from .media import Size, Sound
from .numbers import even, text

_SIDE = optional(even_number(2, 8192))
_CHECK = fields(
    container=optional(one_of("mp4", "webm", "mov"), "mp4"),
    width=_SIDE,
    height=_SIDE,
    fps=optional(number(1, 120)),
    quality=optional(one_of("low", "medium", "high"), "medium"),
)

#: Params of every type; a missing `output` equals an empty one.
WITH_OUTPUT = {"output": optional(lambda value: OutputSettings(**_CHECK(value)), None)}

#: Constant qualities; lower is better. The encoders have different scales.
_X264_CRF = {"low": 28, "medium": 23, "high": 18}
_NVENC_CQ = {"low": 33, "medium": 28, "high": 22}
_VP9_CRF = {"low": 40, "medium": 33, "high": 24}
_AUDIO_KBITS = {"low": 96, "medium": 128, "high": 192}

#: Dimensions that every generation of NVENC encodes as H.264 (the minimum is 145x49 on some).
_NVENC_LEAST = 160
_NVENC_MOST = 4096


@dataclass(frozen=True)
class OutputSettings:
    container: str = "mp4"
    width: int | None = None
    height: int | None = None
    fps: int | float | None = None
    quality: str = "medium"


def output_of(params: dict) -> OutputSettings:
    return params["output"] or OutputSettings()


def fitted(size: Size, output: OutputSettings, seconds: float) -> tuple[Size, list[str], list[str]]:
    """
    From a picture of `size` and `seconds` to the requested one: scaled to fit, with black bars where the aspect
    differs. Returns the scaled size, the filters up to there, and the remaining filters.
    """
    target = output_size(size, output)
    ratio = min(target.width / size.width, target.height / size.height)
    fit = Size(even(size.width * ratio), even(size.height * ratio))
    pad = [f"pad={target.width}:{target.height}:(ow-iw)/2:(oh-ih)/2"] if fit != target else []
    # A picture of less than half a frame would have none.
    least = ":eof_action=pass" if seconds * (output.fps or 0) < 1 else ""
    rate = [] if output.fps is None else [f"fps={text(output.fps)}{least}"]
    scale = [f"scale={fit.width}:{fit.height}:{EXACT}"] if fit != size else []
    return fit, scale, [*pad, *rate, "setsar=1"]


def output_size(size: Size, output: OutputSettings) -> Size:
    """The size of the output in pixels, both even. When one dimension is given, the other keeps the aspect ratio."""
    aspect = size.width / size.height
    width, height = output.width, output.height
    if width is not None:
        return Size(width, height if height is not None else even(width / aspect))
    if height is not None:
        return Size(even(height * aspect), height)
    return Size(even(size.width), even(size.height))


def uses_nvenc(target: Size, output: OutputSettings) -> bool:
    """Whether the GPU can encode it: it has no encoder for VP9, and none for very small or very large frames."""
    sides = (target.width, target.height)
    return output.container != "webm" and min(sides) >= _NVENC_LEAST and max(sides) <= _NVENC_MOST


def encoder_args(output: OutputSettings, own_rate: int | None, nvenc: bool) -> list[str]:
    """
    The video encoder; `nvenc` replaces libx264 by the GPU's. `own_rate` is the mean frame rate for variable frame
    times. For these B-frames are disabled: older versions compute the length of a reordered track wrongly and cut its
    end off. libx264's level would follow from the time base, and exceed what players decode.
    """
    quality = output.quality
    if output.container == "webm":
        fast = ["-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1"]
        return ["-c:v", "libvpx-vp9", "-crf", str(_VP9_CRF[quality]), "-b:v", "0", *fast]
    in_order = [] if own_rate is None else ["-bf", "0"]
    if not nvenc:
        level = [] if own_rate is None else ["-x264-params", f"fps={own_rate}"]
        return ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(_X264_CRF[quality]), *in_order, *level]
    rate = ["-rc", "vbr", "-cq", str(_NVENC_CQ[quality]), "-b:v", "0"]
    return ["-c:v", "h264_nvenc", "-preset", "p5", *rate, "-profile:v", "high", *in_order]


def sound_args(output: OutputSettings, sound: Sound) -> list[str]:
    """
    The audio encoder. More than eight channels have no layout that could be mixed: all of them are sent to both sides.
    """
    every = "+".join(f"c{index}" for index in range(sound.channels))
    mixed = ["-af", f"pan=stereo|c0<{every}|c1<{every}"] if sound.channels > 8 else []
    codec = "libopus" if output.container == "webm" else "aac"
    return [*mixed, "-c:a", codec, "-b:a", f"{_AUDIO_KBITS[output.quality]}k", "-ac", "2"]
