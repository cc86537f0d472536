"""`overlay`: text and images on top of the video, each with its position and time span."""
import re
from dataclasses import replace
from typing import Any

from ..checks import fields, list_of, matching, nullish, number, one_of, optional, parse, string, variant
from ..colour import EXACT
from ..edit import Drawn, Edit, Lay
from ..failure import invalid_params, well_formed
from ..media import Media, Size
from ..numbers import even, rounded, text
from ..output import WITH_OUTPUT, output_of
from ..text.draw import drawn
from ..text.layout import lay_out
from ..text.refusal import refuse_undrawable
from ..text.typesetter import Typesetter

_FRACTION = number(0, 1)
_POSITIVE = number(above=0, most=1)
_COLOUR = matching(r"#[0-9a-fA-F]{6}", "must look like #rrggbb")
_PLACE = {
    "y": optional(_FRACTION, 0.05),
    "opacity": optional(_FRACTION, 1),
    "start_seconds": optional(number(least=0), 0),
    "end_seconds": nullish(number(least=0)),
}
_TEXT = fields(
    type=string,
    text=string,
    size=optional(_POSITIVE, 0.06),
    color=optional(_COLOUR, "#ffffff"),
    background=nullish(_COLOUR),
    align=optional(one_of("left", "center", "right"), "left"),
    x=nullish(_FRACTION),
    max_width=nullish(_POSITIVE),
    **_PLACE,
)
_IMAGE = fields(
    type=string, image_key=string, width=optional(_POSITIVE, 0.25), x=optional(_FRACTION, 0.05), **_PLACE
)
_PARAMS = fields(items=optional(list_of(variant("type", {"text": _TEXT, "image": _IMAGE})), []), **WITH_OUTPUT)

#: The characters that JavaScript's `trim` removes (ECMA-262, 12.2 and 12.3), as far as a text here can contain them.
_SPACE = " \n\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


_UNUSABLE = "The overlay params are unusable"


def needs_of_overlay(params: Any, typesetter: Typesetter) -> list[str]:
    items = parse(_PARAMS, params, _UNUSABLE)["items"]
    texts = [item["text"] for item in items if item["type"] == "text"]
    for each in texts:
        refuse_undrawable(_printable(each), typesetter)
    drawing = [] if not texts else ["drawtext" if typesetter.shaper == "none" else "ass"]
    return drawing if len(texts) == len(items) else [*drawing, "movie"]


def overlay(params: Any, media: Media, typesetter: Typesetter) -> Edit:
    wanted = parse(_PARAMS, params, _UNUSABLE)
    frame = Size(media.width, media.height)
    edit = Edit(output_of(wanted), frame, media.duration)
    for number_of_item, item in enumerate(wanted["items"]):
        enabled = _enabled(item)
        if item["type"] == "image":
            # Each use is a separate input, since a filter's input can be consumed only once.
            edit.steps.append(_image_step(item, len(edit.image_keys), frame, enabled))
            edit.image_keys.append(item["image_key"])
            edit.changes.extend(_changes(item))
            continue
        printable = _printable(item["text"])
        if printable.strip(_SPACE) == "":
            continue
        block = lay_out(item, printable, frame, typesetter.fonts)
        layer = drawn(block, item["color"], item["background"], frame, number_of_item, typesetter)
        edit.texts.extend(layer.files)
        if layer.fonts and layer.fonts not in edit.font_sets:
            edit.font_sets.append(layer.fonts)
        edit.changes.extend(_changes(item))
        edit.steps.append(Drawn([*layer.filters, *_faded(item)], _overlay_at(0, layer.y, enabled)))
    return replace(edit, in_rgb=bool(edit.steps))


def _image_step(item: dict[str, Any], image: int, frame: Size, enabled: str) -> Lay:
    width = even(item["width"] * frame.width)
    # An image may be so wide that its height would be rounded to 0.
    scale = f"scale={width}:'max(2,2*round({width}*ih/iw/2))':{EXACT}:in_color_matrix=bt601"
    at = _overlay_at(rounded(item["x"] * frame.width), rounded(item["y"] * frame.height), enabled)
    return Lay(image, [scale, "format=rgba", *_faded(item)], at)


def _faded(item: dict[str, Any]) -> list[str]:
    return [f"colorchannelmixer=aa={text(item['opacity'])}"] if item["opacity"] < 1 else []


def _overlay_at(x: int, y: int, enabled: str) -> str:
    """The single frame of an overlay is repeated to the end of the video."""
    return f"overlay=x={x}:y={y}:format=rgb:eof_action=repeat:{enabled}"


def _changes(item: dict[str, Any]) -> list[int | float]:
    return [item["start_seconds"], item["end_seconds"] or 0]


def _enabled(item: dict[str, Any]) -> str:
    """From `start_seconds`, and before `end_seconds`, so that items can follow each other."""
    start, end = item["start_seconds"], item["end_seconds"]
    if end is None:
        return f"enable='gte(t,{text(start)})'"
    if end <= start:
        raise invalid_params(f"An item must end after it starts: it goes from {text(start)} s to {text(end)} s.")
    return f"enable='gte(t,{text(start)})*lt(t,{text(end)})'"


def _printable(given: str) -> str:
    """Removes control characters; an unpaired surrogate becomes U+FFFD."""
    lines = re.sub("\r\n?|[\u2028\u2029\u0085]", "\n", well_formed(given)).replace("\t", "    ")
    return "".join(char for char in lines if char == "\n" or (char >= " " and not "\u007f" <= char <= "\u009f"))
