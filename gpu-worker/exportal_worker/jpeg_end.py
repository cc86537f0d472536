"""The end of a JPEG."""

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9


def jpeg_end(file: bytes) -> int:
    """
    The length of the first picture in a JPEG file (ITU-T T.81, annex B). Cameras append further ones (previews, the
    brightness of HDR) and short films, which ffmpeg would take as further frames. The whole length if it has no end.
    """
    at = 2
    while at + 4 <= len(file):
        marker = file[at + 1]
        if file[at] != 0xFF:
            return len(file)
        if marker == _END_OF_IMAGE:
            return at + 2
        # Markers may be preceded by any number of 0xff.
        at += 1 if marker == 0xFF else 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN:
            at = _marker_from(file, at)
    return len(file)


def _marker_from(file: bytes, start: int) -> int:
    """The next marker in compressed data, where 0xff is followed by 0, and restart markers have no length."""
    at = file.find(b"\xff", start)
    while 0 <= at < len(file) - 1:
        code = file[at + 1]
        if code != 0 and not 0xD0 <= code <= 0xD7:
            return at
        at = file.find(b"\xff", at + 1)
    return len(file)
