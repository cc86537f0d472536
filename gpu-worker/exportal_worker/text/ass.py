"""
Writes a text layout as an Advanced SubStation Alpha file for libass: each line with its position, each run with its
font.
"""
import re

from ..media import Size
from ..numbers import Number, rounded
from ..numbers import text as written
from .layout import Block, Line, Run

_FIELDS = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding"
)

#: Numbers of a numeric keypad, upper row.
_ALIGNMENT = {"left": 7, "center": 8, "right": 9}


def ass_file(block: Block, colour: str, size: Size, box: bool) -> str:
    """
    The letters in `colour` or, for `box`, the rectangle behind them, which fills the height of a canvas of this size.
    Style 4 of libass draws one rectangle around all lines, at the distance of their shadow.
    """
    bgr = f"{colour[5:7]}{colour[3:5]}{colour[1:3]}"
    colours = (
        f"&HFFFFFFFF,&HFFFFFFFF,&HFFFFFFFF,&H00{bgr}" if box else f"&H00{bgr},&HFF000000,&HFF000000,&HFF000000"
    )
    # With the encoding -1 a line begins on the side of its first letter.
    shape = f"0,0,0,0,100,100,0,0,{'4,0,1' if box else '1,0,0'},{_ALIGNMENT[block.align]},0,0,0,-1"
    if box:
        texts = [_box_of(block, size)]
    else:
        texts = [_line_of(block, line, index) for index, line in enumerate(block.lines) if line.runs]
    return "\n".join(
        [
            "[Script Info]",
            "ScriptType: v4.00+",
            f"PlayResX: {written(size.width)}",
            f"PlayResY: {written(size.height)}",
            "WrapStyle: 2",
            "ScaledBorderAndShadow: yes",
            "[V4+ Styles]",
            f"Format: {_FIELDS}",
            f"Style: Default,Sans,{block.font_size},{colours},{shape}",
            "[Events]",
            "Format: Layer, Start, End, Style, Text",
            *(f"Dialogue: 0,0:00:00.00,9:00:00.00,Default,{text}" for text in texts),
            "",
        ]
    )


def _box_of(block: Block, size: Size) -> str:
    lines = ["".join(_run_of(run, block) for run in line.runs) for line in block.lines]
    placed = f"\\pos({block.x},0)\\xshad{block.padding}\\yshad{written(2 * size.height)}"
    return f"{{{placed}}}" + "\\N".join(lines)


def _line_of(block: Block, line: Line, index: int) -> str:
    # libass positions a line by its tallest font; the baseline is that of the first one.
    highest = max(run.font.ascent for run in line.runs) * block.font_size
    y = block.y + index * block.pitch + block.ascent - highest
    return f"{{\\pos({block.x},{_thousandths(y)})}}" + "".join(_run_of(run, block) for run in line.runs)


def _run_of(run: Run, block: Block) -> str:
    """libass interprets a font's size as the height of its line, not its em."""
    size = _thousandths((run.font.ascent + run.font.descent) * block.font_size)
    return f"{{\\fn{run.font.family}\\fs{size}}}{_literal(run.text)}"


def _literal(text: str) -> str:
    """Escapes commands: a word joiner separates a backslash from the following character. Leading spaces are kept."""
    parted = re.sub(r"\\(?=[Nnh{}])", lambda _: "\\\u2060", text)
    escaped = re.sub(r"[{}]", lambda found: f"\\{found[0]}", parted)
    return re.sub("^ +", lambda found: "\\h" * len(found[0]), escaped)


def _thousandths(value: Number) -> str:
    return written(rounded(value * 1000) / 1000)
