"""
Positions the lines of a text, and selects the font of each piece. Nothing is shaped: lines are broken by the advance
widths of their characters, so that both workers and the studio's preview break them at the same place.
"""
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..media import Size
from ..numbers import rounded
from .characters import besides, clusters_of, composed, is_drawn, is_space, may_break, needs_glyph
from .font import Font

#: The fonts in the order in which they are searched for a character. The first one determines the line height.
Fonts = Sequence[Font]

#: The fraction of a text's width to the left of its position, by `align`.
SHARE = {"left": 0, "center": 0.5, "right": 1}

#: The default position for an `align`.
_USUAL_X = {"left": 0.05, "center": 0.5, "right": 0.95}


@dataclass
class Run:
    """A piece of a line in one font; `width` is in pixels, without shaping."""

    font: Font
    text: str
    width: float = 0


@dataclass(frozen=True)
class Line:
    runs: list[Run] = field(default_factory=list)

    @property
    def width(self) -> float:
        return _sum(run.width for run in self.runs)


@dataclass(frozen=True)
class Block:
    """The layout of a text; pixels from the frame's upper left corner."""

    lines: list[Line]
    align: str
    #: One em.
    font_size: int
    #: Distance between the letters and the edge of the background.
    padding: int
    #: Where lines begin, are centred, or end, by `align`.
    x: int
    #: The upper edge of the first line, the distance from there to its baseline, and the distance between lines.
    y: int
    ascent: float
    pitch: float


def missing_from(text: str, fonts: Fonts) -> list[str]:
    """Characters that no font contains."""
    found = dict.fromkeys(char for char in composed(text) if char != "\n" and needs_glyph(char))
    return [char for char in found if not any(font.glyph(ord(char)) for font in fonts)]


def lay_out(item: dict[str, Any], text: str, frame: Size, fonts: Fonts) -> Block:
    """Lays out an item's text in a frame of this size."""
    align = item["align"]
    font_size = max(1, rounded(item["size"] * frame.height))
    padding = 0 if item["background"] is None else rounded(font_size / 4)
    left = rounded((_USUAL_X[align] if item["x"] is None else item["x"]) * frame.width)
    right = frame.width - left
    most = {"left": right, "center": 2 * min(left, right), "right": left}[align]
    if item["max_width"] is not None:
        most = min(most, rounded(item["max_width"] * frame.width))
    room = (most - 2 * padding) / font_size
    lines = [line for part in text.split("\n") for line in _wrapped(_measured(part, fonts), room)]
    pitch = (fonts[0].ascent + fonts[0].descent) * font_size
    highest = frame.height - rounded(len(lines) * pitch + 2 * padding)
    return Block(
        lines=[_line_of(clusters, font_size, fonts) for clusters in lines],
        align=align,
        font_size=font_size,
        padding=padding,
        x=left + {"left": padding, "center": 0, "right": -padding}[align],
        # A text that would exceed the frame's lower edge is moved up as far as possible.
        y=max(0, min(rounded(item["y"] * frame.height), highest)) + padding,
        ascent=fonts[0].ascent * font_size,
        pitch=pitch,
    )


@dataclass(frozen=True)
class _Cluster:
    """An unbreakable piece, and its advance width in em."""

    text: str
    advance: float


def _measured(line: str, fonts: Fonts) -> list[_Cluster]:
    return [
        _Cluster(text, _sum(_font_for(char, text, fonts).advance(ord(char)) for char in besides(text)))
        for text in clusters_of(line)
    ]


def _wrapped(clusters: list[_Cluster], room: float) -> list[list[_Cluster]]:
    """Breaks into lines of at most `room` em, with at least one cluster each. Trailing spaces have no width."""
    lines: list[list[_Cluster]] = [[]]
    for piece in _pieces_of(clusters):
        if _fits(lines[-1] + piece, room):
            lines[-1] += piece
        elif _fits(piece, room):
            lines.append(piece)
        else:
            if lines[-1]:
                lines.append([])
            for cluster in piece:
                if lines[-1] and not _fits([*lines[-1], cluster], room):
                    lines.append([])
                lines[-1].append(cluster)
    return [_without_end(line) for line in lines]


def _pieces_of(clusters: list[_Cluster]) -> list[list[_Cluster]]:
    """Splits at every break opportunity."""
    pieces: list[list[_Cluster]] = []
    for index, cluster in enumerate(clusters):
        before = clusters[index - 2].text if index > 1 else ""
        if index == 0 or may_break(before, clusters[index - 1].text, cluster.text):
            pieces.append([cluster])
        else:
            pieces[-1].append(cluster)
    return pieces


def _fits(clusters: list[_Cluster], room: float) -> bool:
    return _sum(cluster.advance for cluster in _without_end(clusters)) <= room


def _without_end(clusters: list[_Cluster]) -> list[_Cluster]:
    end = len(clusters)
    while end > 0 and is_space(clusters[end - 1].text):
        end -= 1
    return clusters[:end]


def _line_of(clusters: list[_Cluster], font_size: int, fonts: Fonts) -> Line:
    runs: list[Run] = []
    for cluster in clusters:
        for char in filter(is_drawn, cluster.text):
            if needs_glyph(char):
                font = _font_for(char, cluster.text, fonts)
            else:
                font = runs[-1].font if runs else _font_for(" ", " ", fonts)
            if runs and runs[-1].font is font:
                runs[-1].text += char
            else:
                runs.append(Run(font, char))
        if runs:
            runs[-1].width += cluster.advance * font_size
    return Line(runs)


def _font_for(char: str, cluster: str, fonts: Fonts) -> Font:
    """The first font that has the whole cluster, so that it can be combined; else the first that has the character."""
    needed = [ord(each) for each in cluster if needs_glyph(each)]
    for font in fonts:
        if all(font.glyph(code) for code in needed):
            return font
    return next((font for font in fonts if font.glyph(ord(char))), fonts[0])


def _sum(values: Any) -> float:
    """Adds one after another, as JavaScript does; Python's own `sum` is more exact."""
    total: float = 0
    for value in values:
        total += value
    return total
