"""A worker's resources for drawing text."""
from collections.abc import Sequence
from dataclasses import dataclass

from .characters import Shaper
from .layout import Fonts

#: The directory of all fonts, relative to the job's; each font's file name is its index.
FONTS_DIR = "../fonts"


@dataclass(frozen=True)
class Typesetter:
    fonts: Fonts
    shaper: Shaper


def fonts_dir(places: Sequence[int]) -> str:
    """The directory in the job's that holds the fonts with these indices, and no others."""
    return f"fonts-{'-'.join(map(str, places))}"
