"""The interface between job types and the plan: what a type does to the picture."""
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .media import Media, Size
from .output import OutputSettings
from .text.typesetter import Typesetter


@dataclass(frozen=True)
class Filter:
    """A plain filter."""

    filter: str


@dataclass(frozen=True)
class Lay:
    """An image over the picture: `prepare` is applied to the image with this index, `place` is the overlay filter."""

    image: int
    prepare: list[str]
    place: str


@dataclass(frozen=True)
class Drawn:
    """Something drawn over the picture: `filters` create it, `place` is the overlay filter."""

    filters: list[str]
    place: str


@dataclass(frozen=True)
class Edit:
    """`size` is that of the picture after the steps, before `output`; `start` and `duration` are in seconds."""

    output: OutputSettings
    size: Size
    duration: int | float
    start: int | float = 0
    steps: list[Filter | Lay | Drawn] = field(default_factory=list)
    #: Whether the steps need RGB, so that text and images keep their colours.
    in_rgb: bool = False
    #: When something on the picture appears or disappears; seconds of the input.
    changes: list[int | float] = field(default_factory=list)
    #: Text files that the filters open by name.
    texts: list[tuple[str, str]] = field(default_factory=list)
    #: The sets of fonts that the steps need, as indices into the list of fonts.
    font_sets: list[list[int]] = field(default_factory=list)
    #: R2 keys of the images, in the order of their index.
    image_keys: list[str] = field(default_factory=list)


#: A job type. The input has even dimensions and square pixels, whatever the file has.
JobType = Callable[[Any, Media, Typesetter], Edit]

#: Filters that an ffmpeg may lack and that these params require; called before anything is downloaded. Raises when the
#: params are invalid, or contain text that cannot be drawn here.
Needs = Callable[[Any, Typesetter], list[str]]
