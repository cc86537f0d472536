"""
Properties of characters for text layout, as explicit ranges: the Unicode data of languages and browsers differ in
version, and all implementations must break a line at the same place.
"""
import re
import unicodedata
from typing import Literal

#: The text shaper: HarfBuzz shapes every script, FriBidi orders and joins, `none` places glyphs side by side.
Shaper = Literal["harfbuzz", "fribidi", "none"]

#: Characters without a glyph (most of Default_Ignorable_Code_Point).
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u034f\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
#: Those of them that affect other characters. The variant of an emoji depends on the fonts here.
_DIRECTS = re.compile("[\u061c\u200c-\u200f\u202a-\u202e\u2066-\u2069]")
_JOINER = "\u200d"
#: A break opportunity without width.
_BREAK = "\u200b"
#: Characters that joiners combine into one emoji.
_PICTURE = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
#: Skin tones.
_MODIFIER = re.compile("[\U0001f3fb-\U0001f3ff]")
#: A pair of them is a flag.
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")

_SPACE = re.compile("[ \u1680\u2000-\u2006\u2008-\u200b\u205f\u3000]")
_HYPHEN = re.compile("[-\u2010\u2013\u2014]")
#: CJK and emoji, with a break opportunity on either side.
_ALONE = re.compile(
    "[\u1100-\u11ff\u2e80-\u303f\u3041-\u31ff\u3220-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001f000-\U0001faff\U00020000-\U0003ffff]"
)
#: Never first in a line (JIS X 4051, 4.1: 行頭禁則).
_NEVER_FIRST = re.compile(
    r"[!%),.:;?\]}’”‥…、。々〉》」』】〕〗〙〛〜〞〟゛゜ゝゞぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ・ーヽヾㇰ-ㇿ！％），．：；？］｝～｠｡｣､･]"
)
#: Never last in a line (行末禁則).
_NEVER_LAST = re.compile(r"[$(£¥[{‘“〈《「『【〔〖〘〚〝＄（［｛｟｢￡￥]")

#: Scripts that are written from right to left.
_TURNED = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
#: Scripts with signs above, below, before or within others: of India, Tibet and South-East Asia.
_STACKED = re.compile(
    "[\u0700-\u07bf\u0900-\u109f\u1780-\u18af\u1a00-\u1aaf\u1b00-\u1c4f\u1cd0-\u1cff\ua840-\ua95f\ua980-\ua9df"
    "\uaa00-\uaadf\uabc0-\uabff\U00011000-\U00011fff]"
)
#: A character with marks of Latin, Greek, Cyrillic, Arabic or kana, and a Korean syllable in its letters.
_PARTS = re.compile(
    ".[\u0300-\u036f\u0653-\u0655\u3099\u309a]+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?"
)


def is_space(cluster: str) -> bool:
    """A space, or a break opportunity without width."""
    return _SPACE.match(cluster) is not None


def is_drawn(char: str) -> bool:
    """Whether a character is drawn, or affects how others are drawn."""
    return needs_glyph(char) or _DIRECTS.match(char) is not None


def needs_glyph(char: str) -> bool:
    """Whether a font must contain it."""
    return _INVISIBLE.match(char) is None


def composed(text: str) -> str:
    """
    Letters with their marks as one character each, where there is one (Unicode, NFC): macOS stores names in parts,
    which only some shapers put together. What is a single character stays, unlike in NFC.
    """
    return _PARTS.sub(lambda parts: unicodedata.normalize("NFC", parts[0]), text)


def clusters_of(text: str) -> list[str]:
    """Splits text into unbreakable pieces: characters with their marks, joiners and tones."""
    clusters: list[str] = []
    for char in composed(text):
        if clusters and _belongs(clusters[-1], char):
            clusters[-1] += char
        else:
            clusters.append(char)
    return clusters


def _belongs(before: str, char: str) -> bool:
    if _BREAK in (char, before):
        return False
    if unicodedata.category(char)[0] == "M" or _MODIFIER.match(char) or not needs_glyph(char):
        return True
    if before.endswith(_JOINER) and _PICTURE.match(char):
        return True
    return _REGIONAL.fullmatch(before) is not None and _REGIONAL.match(char) is not None


def besides(cluster: str) -> list[str]:
    """The characters of a cluster with their own advance; the others are placed on them, or combined with them."""
    if _REGIONAL.match(cluster):
        return [cluster[0]]
    found = []
    for index, char in enumerate(cluster):
        joined = index > 0 and cluster[index - 1] == _JOINER and _PICTURE.match(char)
        if needs_glyph(char) and not joined and not (index > 0 and _MODIFIER.match(char)):
            found.append(char)
    return found


def may_break(before: str, here: str, following: str) -> bool:
    """Whether a line may end between `here` and `following`."""
    if is_space(following):
        return False
    if is_space(here):
        return True
    if _NEVER_LAST.match(here) or _NEVER_FIRST.match(following):
        return False
    if _HYPHEN.match(here):
        return _is_letter(before) and _is_letter(following)
    return bool(_ALONE.match(here) or _ALONE.match(following))


def _is_letter(cluster: str) -> bool:
    return cluster != "" and unicodedata.category(cluster[0])[0] == "L"


def shaper_for(cluster: str) -> Shaper:
    """The simplest shaper that draws the cluster correctly."""
    picture = _JOINER in cluster or _REGIONAL.match(cluster)
    if picture or _STACKED.search(cluster) or _MODIFIER.search(cluster):
        return "harfbuzz"
    return "fribidi" if _TURNED.search(cluster) else "none"
