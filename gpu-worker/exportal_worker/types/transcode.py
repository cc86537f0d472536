"""`transcode`: the same video in another container, size, rate or quality."""
from typing import Any

from ..checks import fields, parse
from ..edit import Edit
from ..media import Media, Size
from ..output import WITH_OUTPUT, output_of
from ..text.typesetter import Typesetter

_PARAMS = fields(**WITH_OUTPUT)


def transcode(params: Any, media: Media, _typesetter: Typesetter) -> Edit:
    wanted = parse(_PARAMS, params, "The transcode params are unusable")
    return Edit(output_of(wanted), Size(media.width, media.height), media.duration)
