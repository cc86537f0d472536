"""
Draws a laid-out text as a separate picture, as wide as the frame and transparent elsewhere: it is created once, then
laid over every frame as images are. ffmpeg reads the text from files with fixed names, so no text is ever part of a
filter.
"""
from dataclasses import dataclass, replace

from ..media import Size
from ..numbers import rounded, text as written
from .ass import ass_file
from .drawtext import letters_by_drawtext
from .layout import SHARE, Block, Fonts
from .typesetter import Typesetter, fonts_dir


@dataclass(frozen=True)
class Layer:
    """The picture's inputs for ffmpeg, and the line of the frame where it begins."""

    #: Names and contents of the text files.
    files: list[tuple[str, str]]
    #: Indices of the fonts that must be in the job's directory `fonts_dir(…)`.
    fonts: list[int]
    filters: list[str]
    y: int


def drawn(
    block: Block, color: str, background: str | None, frame: Size, number: int, typesetter: Typesetter
) -> Layer:
    """Draws the text with this number among its job's items; colours are `#rrggbb`."""
    lines = [line for index, line in enumerate(block.lines) if block.y + index * block.pitch < frame.height]
    above = block.y - block.padding
    height = rounded(len(lines) * block.pitch + 2 * block.padding)
    # Marks may extend beyond the first and the last line.
    top = max(0, above - block.font_size)
    size = Size(frame.width, above + height + block.font_size - top)
    shown = replace(block, lines=lines, y=block.y - top)
    by_ass = typesetter.shaper != "none"
    fonts = _used_by(shown, typesetter.fonts) if by_ass else []
    if by_ass:
        name = f"text-{number}.ass"
        files, filters = [(name, ass_file(shown, color, size, False))], [_ass_filter(name, fonts)]
    else:
        files, filters = letters_by_drawtext(shown, _hex(color), number, typesetter.fonts)
    # Transparent, but in the letters' colour, so that their edges have no other colour.
    clear = f"{_hex(color)}@0"
    if background is None:
        return Layer(files, fonts, [_canvas(clear, size), "format=rgba", *filters], top)
    if by_ass:
        # Only libass has the width of shaped text, so it draws the background, higher than needed.
        name, canvas = f"box-{number}.ass", Size(size.width, height)
        box_x, box = 0, [_canvas(f"{_hex(background)}@0", canvas), "format=rgba", _ass_filter(name, fonts)]
        files = [(name, ass_file(shown, background, canvas, True)), *files]
    else:
        box_x, width = _place_by_width(shown, size)
        box = [_canvas(_hex(background), Size(width, height)), "format=rgba"]
    pad = f"pad={written(size.width)}:{written(size.height)}:{box_x}:{above - top}:color={clear}"
    return Layer(files, fonts, [*box, pad, *filters], top)


def _used_by(block: Block, fonts: Fonts) -> list[int]:
    """
    libass loads all fonts of its directory into memory, separately for each filter, so each gets only those it needs.
    """
    return sorted({0, *(fonts.index(run.font) for line in block.lines for run in line.runs)})


def _place_by_width(block: Block, frame: Size) -> tuple[int, int]:
    """Without shaping, the width is that of the layout. Returns where the background begins, and its width."""
    widest = max(line.width for line in block.lines)
    x = max(0, rounded(block.x - SHARE[block.align] * widest) - block.padding)
    return x, max(1, min(rounded(widest) + 2 * block.padding, frame.width - x))


def _ass_filter(name: str, fonts: list[int]) -> str:
    return f"ass=f={name}:fontsdir={fonts_dir(fonts)}:alpha=1"


def _canvas(colour: str, size: Size) -> str:
    return f"color=c={colour}:s={written(size.width)}x{written(size.height)}:r=1:d=1"


def _hex(colour: str) -> str:
    return f"0x{colour[1:]}"
