"""`crop`: a part of the picture, as fractions of it, or as an aspect ratio around a point to keep."""
import math
from typing import Any

from ..checks import fields, matching, nullish, number, parse
from ..edit import Edit, Filter
from ..failure import invalid_params
from ..media import Media, Size
from ..output import WITH_OUTPUT, output_of
from ..text.typesetter import Typesetter

_FRACTION = number(0, 1)
_PARAMS = fields(
    x=nullish(_FRACTION),
    y=nullish(_FRACTION),
    width=nullish(_FRACTION),
    height=nullish(_FRACTION),
    aspect_ratio=nullish(matching(r"\d+(\.\d+)?:\d+(\.\d+)?", "must look like 9:16")),
    focus_x=nullish(_FRACTION, 0.5),
    focus_y=nullish(_FRACTION, 0.5),
    **WITH_OUTPUT,
)


def crop(params: Any, media: Media, _typesetter: Typesetter) -> Edit:
    wanted = parse(_PARAMS, params, "The crop params are unusable")
    frame = Size(media.width, media.height)
    find = _by_fractions if wanted["aspect_ratio"] is None else _by_aspect
    x, y, size = find(wanted, frame)
    # Integer and even positions inside the frame: chroma has half the resolution.
    left = _clamped(x, frame.width - size.width)
    top = _clamped(y, frame.height - size.height)
    step = Filter(f"crop={size.width}:{size.height}:{left}:{top}")
    return Edit(output_of(wanted), size, media.duration, steps=[step])


def _by_aspect(wanted: dict[str, Any], frame: Size) -> tuple[float, float, Size]:
    across, down = (float(side) for side in wanted["aspect_ratio"].split(":"))
    ratio = across / down if down else math.inf
    if not (ratio > 0) or not math.isfinite(ratio):
        raise invalid_params("The aspect ratio must not hold a zero.")
    wide = frame.width / frame.height > ratio
    size = Size(
        _even_below(frame.height * ratio) if wide else frame.width,
        frame.height if wide else _even_below(frame.width / ratio),
    )
    x = wanted["focus_x"] * frame.width - size.width / 2
    y = wanted["focus_y"] * frame.height - size.height / 2
    return x, y, size


def _by_fractions(wanted: dict[str, Any], frame: Size) -> tuple[float, float, Size]:
    x, y, width, height = (wanted[name] for name in ("x", "y", "width", "height"))
    if None in (x, y, width, height):
        raise invalid_params("A crop needs x, y, width and height, or an aspect_ratio.")
    if width == 0 or height == 0:
        raise invalid_params("The crop is empty: its width and height must be above 0.")
    # Slightly more than 1, for rounding errors of clients that divide by the frame's size.
    if x + width > 1.001 or y + height > 1.001:
        raise invalid_params("The crop reaches outside the picture.")
    size = Size(_even_below(width * frame.width), _even_below(height * frame.height))
    return x * frame.width, y * frame.height, size


def _clamped(at: float, most: float) -> int:
    return math.floor(max(0, min(at, most)) / 2) * 2


def _even_below(value: float) -> int:
    return max(2, math.floor(value / 2 + 0.001) * 2)
