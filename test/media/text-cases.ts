/**
 * Texts that used to be drawn as boxes, or were cut: each is compared with the font's glyph for missing characters
 * (`.notdef`).
 */
import { execFileSync } from 'node:child_process'
import { expect } from 'vitest'
import { fontPaths } from '../../runpod-local/worker/text/font-files.ts'
import { layOut } from '../../runpod-local/worker/text/layout.ts'
import type { Json } from '../support/node/runpod-local/local.ts'
import { typesetterWith } from '../support/node/runpod-local/typesetter.ts'
import type { Case } from './cases.ts'
import { MAKER } from './inputs.ts'
import type { Seen } from './look.ts'

/** An em is 72 pixels of the 720 lines. */
const SIZE = 0.1
const EM = 72

const JOINED = 'مستشفى السلام'

const text = (more: Json): Json => ({
  items: [{ type: 'text', size: SIZE, x: 0, y: 0, color: '#ffffff', ...more }],
})

export const TEXT_CASES: readonly Case[] = [
  {
    name: 'Chinese, Japanese and Korean in a text',
    input: 'grey-709.mp4',
    type: 'overlay',
    params: text({ text: '日本語简한국', color: '#ffffff', background: '#000000' }),
    check: (seen) => isNoBox(seen, 6),
  },
  {
    name: 'emoji in a text',
    input: 'grey-709.mp4',
    type: 'overlay',
    params: text({ text: '🎉🚀😀', background: '#000000' }),
    check: (seen) => isNoBox(seen, 3),
  },
  {
    name: 'a caption of ninety characters',
    input: 'grey-709.mp4',
    type: 'overlay',
    params: text({
      text: 'A caption of ninety characters goes on at the edge of the frame, and nothing of it is lost.',
      y: 0.95,
      background: '#000000',
    }),
    check(seen) {
      const ink = inkOf(seen, 0, 0, seen.picture.width, seen.picture.height)
      expect(ink.right).toBeLessThan(seen.picture.width - EM / 8)
      // Two lines, both above the lower edge.
      expect(ink.bottom - ink.top).toBeGreaterThan(EM * 1.5)
      expect(ink.bottom).toBeLessThan(seen.picture.height)
    },
  },
  {
    name: 'Arabic, whose letters join',
    input: 'grey-709.mp4',
    type: 'overlay',
    params: text({ text: JOINED, align: 'right', x: 1, background: '#000000' }),
    check(seen) {
      const item = { text: JOINED, size: SIZE, align: 'left', x: 0, y: 0 } as const
      const [line] = layOut(item, { width: 1280, height: 720 }, typesetterWith().fonts).lines
      const ink = inkOf(seen, 0, 0, seen.picture.width, EM * 1.5)
      expect(ink.right - ink.left).toBeGreaterThan(EM)
      expect(ink.right - ink.left).toBeLessThan(0.8 * (line?.width ?? 0))
    },
  },
  {
    name: 'a sign that no font has',
    input: 'grey-709.mp4',
    type: 'overlay',
    params: text({ text: 'Pharaoh 𓀀' }),
    fails: ['invalid_params', 'no font here has 𓀀.'],
  },
]

interface Ink {
  left: number
  right: number
  top: number
  bottom: number
  /** Whether each pixel of the area is white, row by row. */
  white: boolean[]
}

/** The white pixels in this area of the first frame. */
function inkOf({ picture }: Pick<Seen, 'picture'>, x: number, y: number, width: number, height: number): Ink {
  const ink: Ink = { left: width, right: 0, top: height, bottom: 0, white: [] }
  for (let row = 0; row < Math.floor(height); row++) {
    for (let column = 0; column < width; column++) {
      const at = ((y + row) * picture.width + x + column) * 3
      const isWhite = (picture.pixels[at] ?? 0) > 200
      ink.white.push(isWhite)
      if (!isWhite) continue
      ink.left = Math.min(ink.left, column)
      ink.right = Math.max(ink.right, column + 1)
      ink.top = Math.min(ink.top, row)
      ink.bottom = Math.max(ink.bottom, row + 1)
    }
  }
  return ink
}

/** The glyphs, each an em wide, all differ, and none is the glyph for missing characters. */
function isNoBox(seen: Seen, signs: number): void {
  const [padding, height] = [EM / 4, EM + EM / 4]
  const cells = Array.from({ length: signs }, (_, sign) =>
    inkOf(seen, padding + sign * EM, padding, EM, height),
  )
  const boxes = fontPaths().map((font) => inkOf(lackedBy(font), 0, 0, EM, height))
  cells.forEach((cell, sign) => {
    expect(cell.white.filter(Boolean).length, `sign ${sign} is drawn`).toBeGreaterThan(50)
    for (const other of [...boxes, ...cells.slice(0, sign)])
      expect(alike(cell, other), `sign ${sign}`).toBeLessThan(0.6)
  })
}

/** The overlap of the white pixels of both, aligned at the corner, as a fraction of those in either. */
function alike(one: Ink, other: Ink): number {
  const [a, b] = [pointsOf(one), pointsOf(other)]
  const both = [...a].filter((point) => b.has(point)).length
  return both / (a.size + b.size - both)
}

function pointsOf({ white, left, top }: Ink): Set<string> {
  const points = white.flatMap((isWhite, at) => (isWhite ? [[at % EM, Math.floor(at / EM)] as const] : []))
  return new Set(points.map(([x, y]) => `${x - left},${y - top}`))
}

/** A picture of an em with the font's `.notdef`, which it draws for a character that was never assigned. */
function lackedBy(font: string): Pick<Seen, 'picture'> {
  const [width, height] = [EM, 2 * EM]
  const letter = `drawtext=fontfile=${font}:text=\u0378:fontsize=${EM}:fontcolor=white:x=0:y=${EM}-ascent`
  const source = ['-f', 'lavfi', '-i', `color=black:s=${width}x${height}`, '-vf', `${letter},format=rgb24`]
  const pixels = execFileSync(MAKER, ['-v', 'error', ...source, '-frames:v', '1', '-f', 'rawvideo', '-'])
  return { picture: { width, height, pixels } }
}
