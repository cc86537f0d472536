"""
Reads the properties of an OpenType font (ISO/IEC 14496-22) for text layout: its characters, their advance widths, and
its line height. Lengths are in em.
"""
import struct
from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True)
class Font:
    #: The family name for libass and browsers.
    family: str
    #: Above and below the baseline, as libass takes them: `usWinAscent` and `usWinDescent` of the table OS/2.
    ascent: float
    descent: float
    _segments: list[tuple[int, int, int]]
    _starts: list[int]
    _advances: list[float]

    def glyph(self, char: int) -> int:
        """The index of the character's glyph; 0, `.notdef`, when it has none."""
        at = bisect_right(self._starts, char) - 1
        if at < 0:
            return 0
        _, last, glyph = self._segments[at]
        return glyph + char - self._starts[at] if char <= last else 0

    def advance(self, char: int) -> float:
        return self._advances[min(self.glyph(char), len(self._advances) - 1)]


def read_font(data: bytes) -> Font:
    """Reads a file with a single font. Raises `ValueError` when its format is not supported."""
    try:
        return _read(data)
    except (struct.error, IndexError, KeyError) as error:
        raise ValueError(f"This is no font that can be read: {error!r}.") from None


def _read(data: bytes) -> Font:
    tables = {}
    for index in range(_u16(data, 4)):
        tag, _, offset, length = struct.unpack_from(">4sIII", data, 12 + index * 16)
        tables[tag] = data[offset : offset + length]
    em = _u16(tables[b"head"], 18)
    count = _u16(tables[b"hhea"], 34)
    advances = [_u16(tables[b"hmtx"], index * 4) / em for index in range(count)]
    os2 = tables[b"OS/2"]
    segments = sorted(_segments(tables[b"cmap"]))
    starts = [first for first, _, _ in segments]
    family = _family(tables[b"name"])
    return Font(family, _u16(os2, 74) / em, _u16(os2, 76) / em, segments, starts, advances)


def _family(name: bytes) -> str:
    """The English family name for Windows: platform 3, name 1."""
    count, strings = struct.unpack_from(">HH", name, 2)
    for index in range(count):
        platform, _, language, kind, length, offset = struct.unpack_from(">6H", name, 6 + index * 12)
        if (platform, language, kind) == (3, 0x409, 1):
            return name[strings + offset : strings + offset + length].decode("utf-16-be")
    raise KeyError("name")


def _segments(cmap: bytes) -> list[tuple[int, int, int]]:
    """Ranges of characters with consecutive glyphs: first character, last character, glyph of the first."""
    found = {}
    for index in range(_u16(cmap, 2)):
        platform, _, offset = struct.unpack_from(">HHI", cmap, 4 + index * 8)
        if platform in (0, 3):
            found[_u16(cmap, offset)] = cmap[offset:]
    if 12 in found:
        groups = struct.unpack_from(">I", found[12], 12)[0]
        return [struct.unpack_from(">III", found[12], 16 + index * 12) for index in range(groups)]
    return _by_deltas(found[4])


def _by_deltas(table: bytes) -> list[tuple[int, int, int]]:
    """Format 4, for fonts of the first plane only."""
    size = _u16(table, 6)
    segments = []
    for at in range(0, size, 2):
        last, first = _u16(table, 14 + at), _u16(table, 16 + size + at)
        delta, place = _u16(table, 16 + 2 * size + at), 16 + 3 * size + at
        offset = _u16(table, place)
        for char in range(first, min(last, 0xFFFE) + 1):
            listed = _u16(table, place + offset + 2 * (char - first)) if offset else char
            if listed:
                segments.append((char, char, (listed + delta) % 0x10000))
    return segments


def _u16(data: bytes, offset: int) -> int:
    return struct.unpack_from(">H", data, offset)[0]
