/**
 * Properties of characters for text layout, as explicit ranges: the Unicode data of languages and browsers differ in
 * version, and all implementations must break a line at the same place.
 */

/** The text shaper: HarfBuzz shapes every script, FriBidi orders and joins, `none` places glyphs side by side. */
export type Shaper = 'harfbuzz' | 'fribidi' | 'none'

/** Characters without a glyph (most of Default_Ignorable_Code_Point). */
const INVISIBLE =
  /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]|\u034f|[\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]/u
/** Those of them that affect other characters. The variant of an emoji depends on the fonts here. */
const DIRECTS = /[\u061c\u200c-\u200f\u202a-\u202e\u2066-\u2069]/
const JOINER = '\u200d'
/** A break opportunity without width. */
const BREAK = '\u200b'
/** Characters that joiners combine into one emoji. */
const PICTURE = /^[\u2190-\u2bff\u{1f000}-\u{1faff}]/u
/** Skin tones. */
const MODIFIER = /[\u{1f3fb}-\u{1f3ff}]/u
/** A pair of them is a flag. */
const REGIONAL = /^[\u{1f1e6}-\u{1f1ff}]$/u

const SPACE = /^[ \u1680\u2000-\u2006\u2008-\u200b\u205f\u3000]/
const HYPHEN = /^[-\u2010\u2013\u2014]/
/** CJK and emoji, with a break opportunity on either side. */
const ALONE =
  /^[\u1100-\u11ff\u2e80-\u303f\u3041-\u31ff\u3220-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\u{1f000}-\u{1faff}\u{20000}-\u{3ffff}]/u
/** Never first in a line (JIS X 4051, 4.1: 行頭禁則). */
const NEVER_FIRST =
  /^[!%),.:;?\]}’”‥…、。々〉》」』】〕〗〙〛〜〞〟゛゜ゝゞぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ・ーヽヾㇰ-ㇿ！％），．：；？］｝～｠｡｣､･]/
/** Never last in a line (行末禁則). */
const NEVER_LAST = /^[$(£¥[{‘“〈《「『【〔〖〘〚〝＄（［｛｟｢￡￥]/

/** Scripts that are written from right to left. */
const TURNED = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u
/** Scripts with signs above, below, before or within others: of India, Tibet and South-East Asia. */
const STACKED =
  /[\u0700-\u07bf\u0900-\u109f\u1780-\u18af\u1a00-\u1aaf\u1b00-\u1c4f\u1cd0-\u1cff\ua840-\ua95f\ua980-\ua9df\uaa00-\uaadf\uabc0-\uabff\u{11000}-\u{11fff}]/u
const MARK = /\p{M}/u
/** A character with marks of Latin, Greek, Cyrillic, Arabic or kana, and a Korean syllable in its letters. */
const PARTS = /.[\u0300-\u036f\u0653-\u0655\u3099\u309a]+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?/gu
const LETTER = /^\p{L}/u

/** A space, or a break opportunity without width. */
export const isSpace = (cluster: string): boolean => SPACE.test(cluster)
/** Whether a character is drawn, or affects how others are drawn. */
export const isDrawn = (char: string): boolean => !INVISIBLE.test(char) || DIRECTS.test(char)
/** Whether the font must contain it. */
export const needsGlyph = (char: string): boolean => !INVISIBLE.test(char)

/**
 * Letters with their marks as one character each, where there is one (Unicode, NFC): macOS stores names in parts, which
 * only some shapers put together. What is a single character stays, unlike in NFC.
 */
export function composed(text: string): string {
  return text.replace(PARTS, (parts) => parts.normalize('NFC'))
}

/** Splits text into unbreakable pieces: characters with their marks, joiners and tones. */
export function clustersOf(text: string): string[] {
  const clusters: string[] = []
  for (const char of composed(text)) {
    const before = clusters.at(-1)
    if (before !== undefined && belongs(before, char)) clusters.splice(-1, 1, before + char)
    else clusters.push(char)
  }
  return clusters
}

function belongs(before: string, char: string): boolean {
  if (char === BREAK || before === BREAK) return false
  if (MARK.test(char) || MODIFIER.test(char) || INVISIBLE.test(char)) return true
  return (before.endsWith(JOINER) && PICTURE.test(char)) || (REGIONAL.test(before) && REGIONAL.test(char))
}

/** The characters of a cluster with their own advance; the others are placed on them, or combined with them. */
export function besides(cluster: string): string[] {
  const chars = [...cluster]
  if (REGIONAL.test(chars[0] ?? '')) return chars.slice(0, 1)
  return chars.filter((char, index) => {
    const isJoined = chars[index - 1] === JOINER && PICTURE.test(char)
    return needsGlyph(char) && !isJoined && !(index > 0 && MODIFIER.test(char))
  })
}

/** Whether a line may end between `here` and `next`. */
export function mayBreak(before: string, here: string, next: string): boolean {
  if (isSpace(next)) return false
  if (isSpace(here)) return true
  if (NEVER_LAST.test(here) || NEVER_FIRST.test(next)) return false
  if (HYPHEN.test(here)) return LETTER.test(before) && LETTER.test(next)
  return ALONE.test(here) || ALONE.test(next)
}

/** The simplest shaper that draws the cluster correctly. */
export function shaperFor(cluster: string): Shaper {
  const isPicture = cluster.includes(JOINER) || REGIONAL.test(cluster.slice(0, 2))
  if (STACKED.test(cluster) || MODIFIER.test(cluster) || isPicture) return 'harfbuzz'
  return TURNED.test(cluster) ? 'fribidi' : 'none'
}
