"""Draws a laid-out text by ffmpeg's `drawtext`, for builds without libass: only text without shaping."""
from ..numbers import rounded, text as written
from .layout import SHARE, Block, Fonts
from .typesetter import FONTS_DIR


def letters_by_drawtext(
    block: Block, colour: str, number: int, fonts: Fonts
) -> tuple[list[tuple[str, str]], list[str]]:
    """The text files, and one filter per run. With `expansion=none` its file is taken literally."""
    files: list[tuple[str, str]] = []
    filters: list[str] = []
    for index, line in enumerate(block.lines):
        baseline = rounded(block.y + index * block.pitch + block.ascent)
        x = block.x - SHARE[block.align] * line.width
        for run in line.runs:
            name = f"text-{number}-{len(files)}.txt"
            files.append((name, run.text))
            settings = [
                f"fontfile={FONTS_DIR}/{fonts.index(run.font)}",
                f"textfile={name}",
                "expansion=none",
                f"fontsize={block.font_size}",
                f"fontcolor={colour}",
                f"x={written(rounded(x))}",
                f"y={written(baseline)}-ascent",
            ]
            filters.append(f"drawtext={':'.join(settings)}")
            x += run.width
    return files, filters
