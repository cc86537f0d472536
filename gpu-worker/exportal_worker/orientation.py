"""The orientation of a picture, and the filters that make it upright: the same with every version of ffmpeg."""
import struct

#: The eight symmetries of a rectangle, by the names of ffmpeg's `transpose`, and their filters.
_FILTERS: dict[str, list[str]] = {
    "none": [],
    "half": ["hflip", "vflip"],
    "hflip": ["hflip"],
    "vflip": ["vflip"],
    "clock": ["transpose=clock"],
    "cclock": ["transpose=cclock"],
    "clock_flip": ["transpose=clock_flip"],
    "cclock_flip": ["transpose=cclock_flip"],
}

#: Indexed by EXIF's values 1 to 8 (CIPA DC-008, 4.6.5.1.6).
_EXIF_TURNS = ("none", "hflip", "half", "vflip", "cclock_flip", "clock", "clock_flip", "cclock")


def turn_filters(turn: str) -> list[str]:
    return _FILTERS[turn]


def swaps_sides(turn: str) -> bool:
    """Whether width and height are exchanged."""
    return turn.startswith(("clock", "cclock"))


def turn_of_matrix(text: str) -> str:
    """
    The orientation of a display matrix as ffprobe prints it: three lines of an offset and three numbers, of which the
    first two of the first two lines are a, b, c, d (ISO/IEC 14496-12, 6.2.2). Other angles are rounded to the nearest
    quarter.
    """
    rows = [[float(number) for number in line.split(":")[-1].split()] for line in text.strip().split("\n")]
    (a, b), (c, d) = rows[0][:2], rows[1][:2]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        if a < 0:
            return "half" if d < 0 else "hflip"
        return "vflip" if d < 0 else "none"
    if b > 0:
        return "clock" if c < 0 else "cclock_flip"
    return "cclock" if c > 0 else "clock_flip"


def turn_of_image(file: bytes) -> str:
    """The orientation of a JPEG or PNG file; `none` when it has none."""
    tiff = _exif_of_jpeg(file) if file[:2] == b"\xff\xd8" else _exif_of_png(file)
    value = 1 if tiff is None else _orientation_of(tiff)
    return _EXIF_TURNS[value - 1] if 1 <= value <= 8 else "none"


def _exif_of_jpeg(head: bytes) -> bytes | None:
    """Segments of a marker and a length; Exif is an APP1 that begins with its name (CIPA DC-008, 4.7.2)."""
    at = 2
    while at + 10 <= len(head) and head[at] == 0xFF and head[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(head[at + 2 : at + 4], "big")
        if head[at + 1] == 0xE1 and head[at + 4 : at + 10] == b"Exif\0\0":
            return head[at + 10 : end]
        at = end
    return None


def _exif_of_png(file: bytes) -> bytes | None:
    """
    Chunks of a length, a name, data and a checksum; eXIf holds the same as a JPEG's Exif (PNG, 11.3.3.1), and may follow
    the picture (Extensions to PNG, 3.7).
    """
    at = 8
    while at + 8 <= len(file) and file[at + 4 : at + 8] != b"IEND":
        length = int.from_bytes(file[at : at + 4], "big")
        if file[at + 4 : at + 8] == b"eXIf":
            return file[at + 8 : at + 8 + length]
        at += 12 + length
    return None


def _orientation_of(tiff: bytes) -> int:
    """Tag 0x0112 of the first directory (TIFF 6.0, section 2)."""
    order = "<" if tiff[:2] == b"II" else ">"

    def short(at: int) -> int:
        return struct.unpack_from(f"{order}H", tiff, at)[0] if at + 2 <= len(tiff) else 0

    if len(tiff) < 8:
        return 1
    first = struct.unpack_from(f"{order}I", tiff, 4)[0]
    for entry in range(short(first)):
        at = first + 2 + entry * 12
        if short(at) == 0x0112:
            return short(at + 8)
    return 1
