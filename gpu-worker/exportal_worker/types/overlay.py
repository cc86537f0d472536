"""`overlay`: text and images on top of the video, each at its place and in its time."""
from dataclasses import replace
from typing import Any

from ..checks import fields, list_of, matching, nullish, number, optional, parse, string, variant
from ..colour import EXACT
from ..edit import FONT_PATH, Edit, Filter, Lay
from ..failure import invalid_params
from ..media import Media, Size
from ..numbers import even, rounded, text
from ..output import WITH_OUTPUT, output_of

_FRACTION = number(0, 1)
_POSITIVE = number(above=0, most=1)
_COLOUR = matching(r"#[0-9a-fA-F]{6}", "must look like #rrggbb")
_PLACE = {
    "x": optional(_FRACTION, 0.05),
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
    **_PLACE,
)
_IMAGE = fields(type=string, image_key=string, width=optional(_POSITIVE, 0.25), **_PLACE)
_PARAMS = fields(items=optional(list_of(variant("type", {"text": _TEXT, "image": _IMAGE})), []), **WITH_OUTPUT)

#: What JavaScript's `trim` removes (ECMA-262, 12.2 and 12.3), as far as it can stand in a text here.
_SPACE = " \n\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


_UNUSABLE = "The overlay params are unusable"


def needs_of_overlay(params: Any) -> list[str]:
    """Text needs a filter that not every build has."""
    items = parse(_PARAMS, params, _UNUSABLE)["items"]
    return ["drawtext"] if any(item["type"] == "text" for item in items) else []


def overlay(params: Any, media: Media) -> Edit:
    wanted = parse(_PARAMS, params, _UNUSABLE)
    frame = Size(media.width, media.height)
    edit = Edit(output_of(wanted), frame, media.duration)
    for item in wanted["items"]:
        if item["type"] == "image":
            # Each use is an input of its own, since a filter's input can be taken only once.
            edit.steps.append(_image_step(item, len(edit.image_keys), frame))
            edit.image_keys.append(item["image_key"])
        elif _printable(item["text"]).strip(_SPACE) != "":
            name = f"text-{len(edit.texts)}.txt"
            edit.texts.append((name, _printable(item["text"])))
            edit.steps.append(Filter(_text_filter(item, name, frame)))
    return replace(edit, in_rgb=bool(edit.steps))


def _text_filter(item: dict[str, Any], file: str, frame: Size) -> str:
    """`expansion=none` takes the file literally: no `%{…}`, no backslash, nothing is read as a filter."""
    font_size = max(1, rounded(item["size"] * frame.height))
    background = item["background"]
    border = 0 if background is None else rounded(font_size / 4)
    box = (
        []
        if background is None
        else ["box=1", f"boxcolor={_rgba(background, item['opacity'])}", f"boxborderw={border}"]
    )
    settings = [
        f"fontfile={FONT_PATH}",
        f"textfile={file}",
        "expansion=none",
        f"fontsize={font_size}",
        f"fontcolor={_rgba(item['color'], item['opacity'])}",
        *box,
        # The background grows outwards from the text; its corner is what stands at x, y.
        f"x={rounded(item['x'] * frame.width) + border}",
        f"y={rounded(item['y'] * frame.height) + border}",
        _enabled(item),
    ]
    return f"drawtext={':'.join(settings)}"


def _image_step(item: dict[str, Any], image: int, frame: Size) -> Lay:
    x = rounded(item["x"] * frame.width)
    y = rounded(item["y"] * frame.height)
    prepare = [f"scale={even(item['width'] * frame.width)}:-2:{EXACT}:in_color_matrix=bt601", "format=rgba"]
    if item["opacity"] < 1:
        prepare.append(f"colorchannelmixer=aa={text(item['opacity'])}")
    # The one frame of the image is repeated to the end of the video.
    return Lay(image, prepare, f"overlay=x={x}:y={y}:format=rgb:eof_action=repeat:{_enabled(item)}")


def _enabled(item: dict[str, Any]) -> str:
    """From `start_seconds` on, and up to but not at `end_seconds`, so that items can follow each other."""
    start, end = item["start_seconds"], item["end_seconds"]
    if end is None:
        return f"enable='gte(t,{text(start)})'"
    if end <= start:
        raise invalid_params(f"An item must end after it starts: it goes from {text(start)} s to {text(end)} s.")
    return f"enable='gte(t,{text(start)})*lt(t,{text(end)})'"


def _rgba(colour: str, opacity: float) -> str:
    return f"0x{colour[1:]}@{text(opacity)}"


def _printable(given: str) -> str:
    """Line ends as the font knows them; other control characters would be drawn as boxes, or end the text."""
    lines = given.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "".join(char for char in lines if char == "\n" or (char >= " " and char != "\u007f"))
