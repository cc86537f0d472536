/**
 * Reads the properties of an OpenType font (ISO/IEC 14496-22) for text layout: its characters, their advance widths,
 * and its line height. Lengths are in em.
 */

export interface Font {
  /** The family name for libass. */
  family: string
  /** Above and below the baseline, as libass takes them: `usWinAscent` and `usWinDescent` of the table OS/2. */
  ascent: number
  descent: number
  has(char: number): boolean
  /** The advance width; that of `.notdef` for a character without a glyph. */
  advance(char: number): number
}

/** Characters from `first` to `last` with consecutive glyphs. */
interface Segment {
  first: number
  last: number
  glyph: number
}

/** Reads a file with a single font. @throws Error when its format is not supported */
export function readFont(file: ArrayBuffer): Font {
  const head = new DataView(file)
  const tables = new Map<string, DataView>()
  for (let index = 0; index < head.getUint16(4); index++) {
    const at = 12 + index * 16
    const name = String.fromCharCode(...new Uint8Array(file, at, 4))
    tables.set(name, new DataView(file, head.getUint32(at + 8), head.getUint32(at + 12)))
  }
  const table = (name: string) => {
    const found = tables.get(name)
    if (found === undefined) throw new Error(`The font has no table ${name}.`)
    return found
  }
  const em = table('head').getUint16(18)
  const [metrics, os2] = [table('hmtx'), table('OS/2')]
  const count = table('hhea').getUint16(34)
  const advances = Array.from({ length: count }, (_, index) => metrics.getUint16(index * 4) / em)
  const segments = segmentsOf(table('cmap')).sort((a, b) => a.first - b.first)
  const glyphOf = (char: number) => {
    const segment = lastUpTo(segments, char)
    return segment === undefined || char > segment.last ? 0 : segment.glyph + char - segment.first
  }
  return {
    family: familyOf(table('name')),
    ascent: os2.getUint16(74) / em,
    descent: os2.getUint16(76) / em,
    has: (char) => glyphOf(char) !== 0,
    advance: (char) => advances[Math.min(glyphOf(char), count - 1)] ?? 0,
  }
}

/** The last segment that begins at or before `char`. */
function lastUpTo(segments: readonly Segment[], char: number): Segment | undefined {
  let [low, high] = [0, segments.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((segments[middle]?.first ?? 0) <= char) low = middle + 1
    else high = middle
  }
  return segments[low - 1]
}

/** The English family name for Windows: platform 3, name 1. */
function familyOf(names: DataView): string {
  const strings = names.getUint16(4)
  for (let index = 0; index < names.getUint16(2); index++) {
    const [platform, , language, kind, length = 0, offset = 0] = Array.from({ length: 6 }, (_, field) =>
      names.getUint16(6 + index * 12 + field * 2),
    )
    if (platform !== 3 || language !== 0x409 || kind !== 1) continue
    const units = Array.from({ length: length / 2 }, (_, unit) =>
      names.getUint16(strings + offset + unit * 2),
    )
    return String.fromCharCode(...units)
  }
  throw new Error('The font has no name.')
}

function segmentsOf(cmap: DataView): Segment[] {
  const byFormat = new Map<number, number>()
  for (let index = 0; index < cmap.getUint16(2); index++) {
    const [platform, offset] = [cmap.getUint16(4 + index * 8), cmap.getUint32(8 + index * 8)]
    if (platform === 0 || platform === 3) byFormat.set(cmap.getUint16(offset), offset)
  }
  const [whole, basic] = [byFormat.get(12), byFormat.get(4)]
  if (whole !== undefined) {
    return Array.from({ length: cmap.getUint32(whole + 12) }, (_, group) => {
      const at = whole + 16 + group * 12
      return { first: cmap.getUint32(at), last: cmap.getUint32(at + 4), glyph: cmap.getUint32(at + 8) }
    })
  }
  if (basic === undefined) throw new Error('The font has no characters of Unicode.')
  return segmentsByDeltas(cmap, basic)
}

/** Format 4, for fonts of the first plane only. */
function segmentsByDeltas(cmap: DataView, table: number): Segment[] {
  const size = cmap.getUint16(table + 6)
  const segments: Segment[] = []
  for (let at = table; at < table + size; at += 2) {
    const [last, first] = [cmap.getUint16(at + 14), cmap.getUint16(at + 16 + size)]
    const place = at + 16 + 3 * size
    const [delta, offset] = [cmap.getUint16(place - size), cmap.getUint16(place)]
    for (let char = first; char <= Math.min(last, 0xfffe); char++) {
      const listed = offset === 0 ? char : cmap.getUint16(place + offset + 2 * (char - first))
      if (listed !== 0) segments.push({ first: char, last: char, glyph: (listed + delta) % 0x10000 })
    }
  }
  return segments
}
