"""`trim`: a span of the video, from `start_seconds` to `end_seconds`."""
from typing import Any

from ..checks import fields, nullish, number, optional, parse
from ..edit import Edit
from ..failure import invalid_media, invalid_params
from ..media import Media, Size
from ..numbers import fixed, micros, text
from ..output import WITH_OUTPUT, output_of
from ..text.typesetter import Typesetter

_SECONDS = number(least=0)
_PARAMS = fields(start_seconds=optional(_SECONDS, 0), end_seconds=nullish(_SECONDS), **WITH_OUTPUT)

#: Players round the displayed duration, so an end this far after the last frame is taken as the end; seconds.
_SLACK = 0.5


def trim(params: Any, media: Media, _typesetter: Typesetter) -> Edit:
    wanted = parse(_PARAMS, params, "The trim params are unusable")
    start, given = wanted["start_seconds"], wanted["end_seconds"]
    end = media.duration if given is None else given
    if given is not None and end <= start:
        raise invalid_params(f"The trim must end after it starts: it goes from {text(start)} s to {text(end)} s.")
    long = f"the video is {fixed(media.duration, 2)} s long"
    if start >= media.duration:
        raise invalid_media(f"The trim starts at {text(start)} s, but {long}.")
    if end > media.duration + _SLACK:
        raise invalid_media(f"The trim ends at {text(end)} s, but {long}.")
    last = min(end, media.duration)
    picture = media.picture
    if picture.times[0] >= last or picture.end <= start:
        shown = f"its picture goes from {fixed(picture.times[0], 2)} s to {fixed(picture.end, 2)} s"
        raise invalid_media(f"The trim from {text(start)} s to {fixed(last, 2)} s holds no picture; {shown}.")
    duration = max(1e-6, micros(last - start))
    return Edit(output_of(wanted), Size(media.width, media.height), duration, micros(start))
