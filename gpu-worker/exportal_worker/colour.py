"""
Explicit colour conversions, since ffmpeg's defaults differ between versions. Every result is BT.709 of limited range.
Overlays are composed in RGB, where their colours need no conversion.
"""
from dataclasses import replace

from .media import Picture, Size

#: Without these swscale's error is up to eight of 255.
EXACT = "flags=bicubic+accurate_rnd+full_chroma_int"

_TAGS = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"

#: Sets the tags again, for encoders that do not take them from the frames.
TAG_ARGS = [
    *["-color_range", "tv", "-color_primaries", "bt709"],
    *["-color_trc", "bt709", "-colorspace", "bt709"],
]

#: ffprobe's names of matrices as those of swscale and zimg.
_MATRICES = {
    "bt709": ("bt709", "709"),
    "fcc": ("fcc", "fcc"),
    "bt470bg": ("bt601", "470bg"),
    "smpte170m": ("bt601", "170m"),
    "smpte240m": ("smpte240m", "smpte240m"),
    "bt2020nc": ("bt2020", "2020_ncl"),
    "bt2020c": ("bt2020", "2020_cl"),
    "ictcp": ("bt2020", "ictcp"),
}


def _is_hdr(picture: Picture) -> bool:
    return picture.transfer in ("smpte2084", "arib-std-b67")


#: Primaries beyond BT.709, by ffprobe's names, as those of zimg: BT.2020, and Display P3 of screens and phones.
_WIDE_PRIMARIES = {"bt2020": "2020", "smpte432": "smpte432"}


def is_wide(picture: Picture) -> bool:
    """Whether the conversion needs zimg: the picture exceeds BT.709 in brightness or gamut."""
    return _is_hdr(picture) or picture.primaries in _WIDE_PRIMARIES


def normalised(picture: Picture, size: Size, in_rgb: bool) -> list[str]:
    """
    Filters from the decoded picture to one of `size` with square pixels, in RGB or in the result's format. What is
    transparent shows black.
    """
    if not picture.alpha:
        return _converted(picture, size, in_rgb)
    return [*_on_black(picture), *_converted(replace(picture, matrix="gbr", range="pc"), size, in_rgb)]


def _on_black(picture: Picture) -> list[str]:
    """Filters to RGB of full range, without transparency."""
    # Versions before 5 take RGB without a tag to be of limited range.
    return [f"scale={EXACT}{_given(picture)}", "format=gbrap", "setparams=range=pc", "premultiply=inplace=1"]


def _given(picture: Picture) -> str:
    """The options of `scale` for the colours of the picture."""
    if picture.matrix == "gbr":
        return ""
    matrix, _ = _MATRICES.get(picture.matrix, ("bt709", ""))
    return f":in_color_matrix={matrix}:in_range={picture.range}"


def _converted(picture: Picture, size: Size, in_rgb: bool) -> list[str]:
    side = f"{size.width}:{size.height}"
    wide = _narrowed(picture, side) if is_wide(picture) else []
    given = ":in_color_matrix=bt709:in_range=tv" if is_wide(picture) else _given(picture)
    scale = f"scale={side}:{EXACT}{given}:out_color_matrix=bt709:out_range=tv"
    end = ["format=rgb24"] if in_rgb else ["format=yuv420p", _TAGS]
    return [*wide, scale, *end, "setsar=1"]


def encodable(size: Size) -> list[str]:
    """Filters from RGB to the result's format, which also scale to `size`."""
    scale = f"scale={size.width}:{size.height}:{EXACT}:out_color_matrix=bt709:out_range=tv"
    return [scale, "format=yuv420p", _TAGS]


def _narrowed(picture: Picture, side: str) -> list[str]:
    """
    Filters to BT.709 of limited range. HDR is tone-mapped: 203 cd/m² become white (ITU-R BT.2408, 2.1); up to half of
    that is unchanged, up to five times of that is compressed into the rest.
    """
    swscale, zimg = _MATRICES.get(picture.matrix, ("bt2020", "2020_ncl"))
    same = f"in_color_matrix={swscale}:out_color_matrix={swscale}:in_range={picture.range}:out_range=tv"
    primaries = "709" if picture.primaries == "bt709" else _WIDE_PRIMARIES.get(picture.primaries, "2020")
    transfer = picture.transfer if _is_hdr(picture) else "709"
    return [
        f"scale={side}:{EXACT}:{same}",
        "format=yuv444p10le",
        # Without `p` the primaries would become those of the frame, which may have no tag where the container has one.
        f"zscale=tin={transfer}:min={zimg}:pin={primaries}:rin=limited:t=linear:npl=203:p={primaries}",
        "format=gbrpf32le",
        "zscale=p=709",
        *(["tonemap=mobius:param=0.5:desat=0:peak=5"] if _is_hdr(picture) else []),
        "zscale=t=709:m=709:r=limited",
        "format=yuv444p",
    ]
