/** The orientation of a picture, and the filters that make it upright: the same with every version of ffmpeg. */

/** The eight symmetries of a rectangle, by the names of ffmpeg's `transpose`. */
export type Turn = 'none' | 'clock' | 'half' | 'cclock' | 'hflip' | 'vflip' | 'clock_flip' | 'cclock_flip'

const FILTERS: Record<Turn, readonly string[]> = {
  none: [],
  half: ['hflip', 'vflip'],
  hflip: ['hflip'],
  vflip: ['vflip'],
  clock: ['transpose=clock'],
  cclock: ['transpose=cclock'],
  clock_flip: ['transpose=clock_flip'],
  cclock_flip: ['transpose=cclock_flip'],
}

export const turnFilters = (turn: Turn): readonly string[] => FILTERS[turn]

/** Whether width and height are exchanged. */
export const swapsSides = (turn: Turn): boolean => turn.startsWith('clock') || turn.startsWith('cclock')

/**
 * The orientation of a display matrix as ffprobe prints it: three lines of an offset and three numbers, of which the
 * first two of the first two lines are a, b, c, d (ISO/IEC 14496-12, 6.2.2). Other angles are rounded to the nearest
 * quarter.
 */
export function turnOfMatrix(text: string): Turn {
  const rows = text
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\S*:/, '').trim().split(/\s+/).map(Number))
  const [[a = 0, b = 0] = [], [c = 0, d = 0] = []] = rows
  if (Math.abs(a) + Math.abs(d) >= Math.abs(b) + Math.abs(c)) {
    if (a < 0) return d < 0 ? 'half' : 'hflip'
    return d < 0 ? 'vflip' : 'none'
  }
  if (b > 0) return c < 0 ? 'clock' : 'cclock_flip'
  return c > 0 ? 'cclock' : 'clock_flip'
}

/** Indexed by EXIF's values 1 to 8 (CIPA DC-008, 4.6.5.1.6). */
const EXIF_TURNS: readonly Turn[] = [
  'none',
  'hflip',
  'half',
  'vflip',
  'cclock_flip',
  'clock',
  'clock_flip',
  'cclock',
]

/** The orientation of a JPEG or PNG file; `none` when it has none. */
export function turnOfImage(file: Buffer): Turn {
  const tiff = file.readUInt16BE(0) === 0xffd8 ? exifOfJpeg(file) : exifOfPng(file)
  return EXIF_TURNS[(tiff === null ? 1 : orientationOf(tiff)) - 1] ?? 'none'
}

/** JPEG: segments of a marker and a length; Exif is an APP1 that begins with its name (CIPA DC-008, 4.7.2). */
function exifOfJpeg(head: Buffer): Buffer | null {
  for (let at = 2; at + 10 <= head.length && head[at] === 0xff; at += 2 + head.readUInt16BE(at + 2)) {
    if (head[at + 1] === 0xda) return null
    const isExif = head[at + 1] === 0xe1 && head.toString('latin1', at + 4, at + 10) === 'Exif\0\0'
    if (isExif) return head.subarray(at + 10, at + 2 + head.readUInt16BE(at + 2))
  }
  return null
}

/**
 * PNG: chunks of a length, a name, data and a checksum; eXIf holds the same as a JPEG's Exif (PNG, 11.3.3.1), and may
 * follow the picture (Extensions to PNG, 3.7).
 */
function exifOfPng(file: Buffer): Buffer | null {
  for (let at = 8; at + 8 <= file.length; at += 12 + file.readUInt32BE(at)) {
    const name = file.toString('latin1', at + 4, at + 8)
    if (name === 'eXIf') return file.subarray(at + 8, at + 8 + file.readUInt32BE(at))
    if (name === 'IEND') return null
  }
  return null
}

/** Tag 0x0112 of the first directory (TIFF 6.0, section 2). */
function orientationOf(tiff: Buffer): number {
  if (tiff.length < 8) return 1
  const little = tiff.toString('latin1', 0, 2) === 'II'
  const short = (at: number) =>
    at + 2 > tiff.length ? 0 : little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at)
  const first = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4)
  for (let entry = 0; entry < short(first); entry++) {
    const at = first + 2 + entry * 12
    if (short(at) === 0x0112) return short(at + 8)
  }
  return 1
}
