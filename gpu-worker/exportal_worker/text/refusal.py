"""Refuses text that cannot be drawn here, before anything is downloaded: the alternative would be empty boxes."""
from ..failure import invalid_params
from .characters import Shaper, clusters_of, shaper_for
from .layout import missing_from
from .typesetter import Typesetter

_ABLE: dict[Shaper, tuple[Shaper, ...]] = {
    "none": ("none",),
    "fribidi": ("none", "fribidi"),
    "harfbuzz": ("none", "fribidi", "harfbuzz"),
}

#: Maximum number of characters to list.
_MOST_NAMED = 5


def refuse_undrawable(text: str, typesetter: Typesetter) -> None:
    """Raises `invalid_params` when no font has a character, or it would be drawn wrongly without shaping."""
    missing = missing_from(text, typesetter.fonts)
    if missing:
        raise invalid_params(f"The text cannot be drawn: no font here has {_named(missing)}.")
    able = _ABLE[typesetter.shaper]
    unshaped = [each for each in dict.fromkeys(clusters_of(text)) if shaper_for(each) not in able]
    if unshaped:
        raise invalid_params(f"The text cannot be drawn: this worker's ffmpeg cannot shape {_named(unshaped)}.")


def _named(characters: list[str]) -> str:
    more = f" and {len(characters) - _MOST_NAMED} more" if len(characters) > _MOST_NAMED else ""
    return " ".join(characters[:_MOST_NAMED]) + more
