"""The worker's font files, in the order in which they are searched for a character."""
import os
import shutil
import struct
from collections.abc import Sequence

from .font import Font, read_font


def install_fonts(directory: str, paths: Sequence[str]) -> list[Font]:
    """
    Copies the fonts into `directory`, where ffmpeg finds them from a job's below it, and returns their properties.
    """
    target = os.path.join(directory, "fonts")
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    # Prevents fonts of the computer from replacing these.
    with open(os.path.join(directory, "fonts.conf"), "w", encoding="utf-8") as file:
        file.write('<?xml version="1.0"?><fontconfig></fontconfig>')
    fonts = []
    for index, path in enumerate(paths):
        try:
            with open(path, "rb") as font:
                data = font.read()
            for_libass = _for_libass(data)
            fonts.append(read_font(data))
        except OSError as error:
            raise ValueError(f"EXPORTAL_FONTS: {path} cannot be read: {error.strerror}") from None
        except (struct.error, LookupError, ValueError):
            raise ValueError(f"EXPORTAL_FONTS: {path} is no font that this worker can use") from None
        with open(os.path.join(target, str(index)), "wb") as copy:
            copy.write(for_libass)
    return fonts


def _for_libass(font: bytes) -> bytes:
    """
    libass up to 0.17.1 uses the first character table for Windows, which need not be the complete one: tables of the
    first plane alone are relabelled as Unicode in general (ISO/IEC 14496-22, 5.2.1: platform 0, encoding 3).
    """
    count = struct.unpack_from(">H", font, 4)[0]
    tables = dict(struct.unpack_from(">4s4xI4x", font, 12 + index * 16) for index in range(count))
    start = tables[b"cmap"]
    records = [start + 4 + index * 8 for index in range(struct.unpack_from(">H", font, start + 2)[0])]
    kinds = {at: struct.unpack_from(">HH", font, at) for at in records}
    if (3, 10) not in kinds.values():
        return font
    changed = bytearray(font)
    for at, kind in kinds.items():
        if kind == (3, 1):
            struct.pack_into(">HH", changed, at, 0, 3)
    return bytes(changed)
