"""What a job type makes of its params and the input: the seam between the types and the plan."""
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .media import Media, Size
from .output import OutputSettings

#: The font of all text, in the directory above the job's.
FONT_PATH = "../font.ttf"


@dataclass(frozen=True)
class Filter:
    """A plain filter."""

    filter: str


@dataclass(frozen=True)
class Lay:
    """An image laid over the picture: `prepare` is applied to the image with this index, `place` is the overlay filter."""

    image: int
    prepare: list[str]
    place: str


@dataclass(frozen=True)
class Edit:
    """`size` is that of the picture after the steps, before `output`; `start` and `duration` are in seconds."""

    output: OutputSettings
    size: Size
    duration: int | float
    start: int | float = 0
    steps: list[Filter | Lay] = field(default_factory=list)
    #: Whether the steps need RGB: text and images keep their colours there.
    in_rgb: bool = False
    #: Text files that the filters read by name.
    texts: list[tuple[str, str]] = field(default_factory=list)
    #: R2 keys of the images, in the order of their index.
    image_keys: list[str] = field(default_factory=list)


#: A job type. The input has even sides and square pixels, whatever the file has.
JobType = Callable[[Any, Media], Edit]

#: Filters that an ffmpeg may lack and that these params need; asked before anything is downloaded.
Needs = Callable[[Any], list[str]]
