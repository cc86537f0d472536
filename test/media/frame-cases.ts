/** Inputs and images whose frames are transparent, consist of two fields, or lie on their side. */
import { expect } from 'vitest'
import { brand, type Case, near } from './cases.ts'
import type { Seen } from './look.ts'

export const FRAME_CASES: readonly Case[] = [
  {
    name: 'transparent ProRes below a brand',
    input: 'sheer-prores.mov',
    type: 'overlay',
    params: brand,
    check(seen) {
      near(seen.last(0.1, 0.08), [0xe6, 0, 0x23], 8)
      isOnBlack(seen)
    },
  },
  {
    name: 'a cut of transparent QuickTime Animation',
    input: 'sheer-qtrle.mov',
    type: 'trim',
    params: { start_seconds: 0.2 },
    check: isOnBlack,
  },
  {
    name: 'transparent PNG in MOV, cropped',
    input: 'sheer-png.mov',
    type: 'crop',
    params: { x: 0, y: 0.5, width: 1, height: 0.5 },
    check: isOnBlack,
  },
  {
    name: 'transparent HDR, as only the container tells',
    input: 'sheer-hlg.mov',
    check(seen) {
      expect(seen.frames).toBe(5)
      near(seen.last(0.16, 0.5), [255, 0, 0], 45)
      near(seen.last(0.85, 0.5), [0, 0, 0], 4)
    },
  },
  { name: 'transparent VP9', input: 'sheer-vp9.webm', check: isOnBlack },
  {
    name: 'transparent VP8, cut',
    input: 'sheer-vp8.webm',
    type: 'trim',
    params: { start_seconds: 0.2 },
    check: isOnBlack,
  },
  {
    name: 'a transparent GIF',
    input: 'sheer.gif',
    check(seen) {
      expect(seen.frames).toBe(5)
      near(seen.first(0.16, 0.8), [255, 0, 0], 6)
      near(seen.last(0.6, 0.8), [0, 0, 0], 3)
    },
  },
  {
    name: 'an AVI with an unused fourth byte',
    input: 'unused-alpha.avi',
    check: (seen) => near(seen.last(0.5, 0.5), [200, 50, 20], 6),
  },
  { name: 'fields of a broadcast, top first', input: 'fields-top.ts', check: isWoven(25) },
  {
    name: 'fields of a DVD, bottom first, below a brand',
    input: 'fields-bottom.mpg',
    type: 'overlay',
    params: brand,
    check: isWoven(25),
  },
  {
    name: 'fields of ProRes, cropped',
    input: 'fields.mov',
    type: 'crop',
    params: { aspect_ratio: '1:1' },
    check: isWoven(25),
  },
  {
    name: 'a cut of fields of DV',
    input: 'fields-dv.avi',
    type: 'trim',
    params: { start_seconds: 0.4 },
    check: isWoven(15),
  },
  {
    name: 'a single frame of two fields',
    input: 'one-of-fields.mp4',
    check: (seen) => expect(seen.frames).toBe(1),
  },
  {
    name: 'what looks like fields, but is flagged as progressive',
    input: 'no-fields.mp4',
    check: (seen) => expect(combs(seen)).toBeGreaterThan(20),
  },
  {
    name: 'a PNG that lies on its side, as is told behind the picture',
    input: 'grey-709.mp4',
    type: 'overlay',
    params: { items: [{ type: 'image', image_key: 'input/sideways.png', x: 0, y: 0, width: 0.25 }] },
    check(seen) {
      near(seen.first(0.12, 0.2), [255, 0, 0], 6)
      near(seen.last(0.12, 0.7), [0, 0, 255], 6)
    },
  },
]

/** Matches what the transparent inputs show over black. */
function isOnBlack(seen: Seen): void {
  for (const shown of [seen.first, seen.last]) {
    near(shown(0.3, 0.3), [255, 0, 0], 8)
    near(shown(0.5, 0.3), [0, 0, 128], 8)
    near(shown(0.85, 0.3), [0, 0, 0], 4)
  }
}

/** So many frames, at 25 a second, none of which shows two moments in alternate lines. */
function isWoven(frames: number): (seen: Seen) => void {
  return (seen) => {
    expect(seen.frames).toBe(frames)
    expect(Math.abs(seen.duration - frames / 25)).toBeLessThan(0.05)
    expect(combs(seen)).toBe(0)
  }
}

/** The number of pixels in the middle of the first frame that differ from the lines above and below alike. */
function combs({ picture: { width, height, pixels } }: Seen): number {
  const row = Math.floor(height * 0.8)
  const level = (x: number, y: number) => pixels[(y * width + x) * 3] ?? 0
  return Array.from({ length: width }, (_, x) => x).filter((x) =>
    [-1, 1].every((step) => Math.abs(level(x, row) - level(x, row + step)) > 100),
  ).length
}
