/** Real-world input files, the requested exports, and the expected results. */
import { expect } from 'vitest'
import type { Json } from '../support/node/runpod-local/local.ts'
import type { Seen } from './look.ts'

export interface Case {
  name: string
  input: string
  type?: string
  params?: Json
  /** A part of the message of a result that lacks something. */
  says?: string
  /** The code of a failure and a part of its message, in place of a result. */
  fails?: [code: string, words: string]
  check?: (seen: Seen) => void | Promise<void>
}

export const near = (found: number[], wanted: number[], most: number) =>
  found.forEach((value, channel) => {
    expect(Math.abs(value - (wanted[channel] ?? 0)), `${found} for ${wanted}`).toBeLessThanOrEqual(most)
  })
/** Colour bars at 75 %: white, yellow, cyan, green, magenta, red and blue. */
const BARS = [
  [191, 191, 191],
  [191, 191, 0],
  [0, 191, 191],
  [0, 191, 0],
  [191, 0, 191],
  [191, 0, 0],
  [0, 0, 191],
]
const [RED, LIME, BLUE] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
]
/** An image and a text in a brand’s colour. */
export const brand: Json = {
  items: [
    { type: 'image', image_key: 'input/brand.png', x: 0, y: 0, width: 0.25 },
    { type: 'text', text: 'II', x: 0.5, y: 0.5, size: 0.2, color: '#e60023', background: '#e60023' },
  ],
}
const isBrand = (seen: Seen) => {
  near(seen.first(0.1, 0.08), [0xe6, 0, 0x23], 3)
  near(seen.last(0.1, 0.08), [0xe6, 0, 0x23], 3)
  near(seen.first(0.53, 0.58), [0xe6, 0, 0x23], 3)
}

export const CASES: readonly Case[] = [
  { name: 'a cover that comes first', input: 'cover-first.mkv', check: whole(50) },
  { name: 'a drone’s MP4, whose thumbnail is its first stream', input: 'cover-first.mp4', check: whole(50) },
  { name: 'a still that comes first', input: 'still-first.mkv', check: whole(50) },
  {
    name: 'a cut within a group of pictures of MPEG-TS',
    input: 'gop2.ts',
    type: 'trim',
    params: { start_seconds: 2.6, end_seconds: 3.2 },
    check(seen) {
      expect(seen.frames).toBe(15)
      expect(seen.kinds).toEqual(['video h264', 'audio aac'])
      expect(seen.duration).toBeCloseTo(0.6, 1)
    },
  },
  { name: 'a recording without a duration', input: 'no-duration.webm', check: whole(50) },
  {
    name: 'a recording with its own times',
    input: 'own-times.webm',
    check(seen) {
      expect(seen.frames).toBeGreaterThan(40)
      expect(seen.frames).toBeLessThan(90)
    },
  },
  {
    name: 'a phone’s frames at their own times',
    input: 'phone.mp4',
    check: (seen) => expect(seen.frames).toBe(51),
  },
  {
    name: 'interlaced MPEG-TS',
    input: 'interlaced.ts',
    type: 'crop',
    params: { aspect_ratio: '1:1', output: { width: 270 } },
    check: (seen) => expect(seen.size).toBe('270x270'),
  },
  { name: 'LATM sound', input: 'latm.ts', check: whole(50) },
  {
    name: 'two pictures',
    input: 'two-pictures.mp4',
    check(seen) {
      expect(seen.size).toBe('320x240')
      near(seen.last(0.5, 0.5), [255, 0, 0], 6)
    },
  },
  { name: 'a subtitle that outlasts the film', input: 'long-subtitle.mkv', check: whole(50) },
  { name: 'chapters that outlast the film', input: 'chapters.mkv', check: whole(50) },
  { name: 'HDR by PQ', input: 'pq.mp4', check: isBars },
  { name: 'HDR by HLG', input: 'hlg.mp4', check: isBars },
  {
    name: 'a brand’s colour over BT.709',
    input: 'grey-709.mp4',
    type: 'overlay',
    params: brand,
    check: isBrand,
  },
  {
    name: 'a brand’s colour over BT.601 of full range',
    input: 'red-601-full.mp4',
    type: 'overlay',
    params: brand,
    check(seen) {
      isBrand(seen)
      near(seen.last(0.1, 0.9), [0xc8, 0x32, 0x14], 5)
    },
  },
  { name: 'a brand’s colour over PQ', input: 'pq.mp4', type: 'overlay', params: brand, check: isBrand },
  { name: 'a brand’s colour over HLG', input: 'hlg.mp4', type: 'overlay', params: brand, check: isBrand },
  { name: 'a place in the notes', input: 'place.mp4', check: whole(50) },
  {
    name: 'two sounds, the second the default',
    input: 'two-sounds.mkv',
    check: async (seen) => expect(Math.abs((await seen.pitch()) - 1000)).toBeLessThan(20),
  },
  { name: 'a microphone on each side, in two streams', input: 'two-sides.mov', check: isOnBothSides },
  {
    name: 'a cut of two sides in MXF',
    input: 'two-sides.mxf',
    type: 'trim',
    params: { start_seconds: 0.6 },
    check: isOnBothSides,
  },
  {
    name: 'two languages of one channel',
    input: 'two-languages.mkv',
    async check(seen) {
      for (const side of [0, 1]) expect(Math.abs((await seen.pitch(side)) - 300)).toBeLessThan(20)
    },
  },
  {
    name: 'nine channels',
    input: 'nine-channels.mov',
    check: async (seen) => expect(Math.abs((await seen.pitch()) - 440)).toBeLessThan(20),
  },
  { name: 'sound that begins late', input: 'late-opus.mkv', check: (seen) => expect(seen.frames).toBe(50) },
  {
    name: 'another sound that begins before all else',
    input: 'early-other-sound.mkv',
    check(seen) {
      expect(seen.frames).toBe(50)
      expect(Math.abs(seen.duration - 2)).toBeLessThan(0.15)
    },
  },
  {
    name: 'a turned phone’s film, cropped',
    input: 'turned.mp4',
    type: 'crop',
    params: { aspect_ratio: '1:1' },
    check: (seen) => expect(seen.size).toBe('240x240'),
  },
  {
    name: 'odd sides, long pixels, ten bits of 4:2:2',
    input: 'odd-422.mov',
    check: (seen) => expect(seen.size).toBe('428x242'),
  },
  { name: 'a single frame', input: 'one-frame.mp4', check: (seen) => expect(seen.frames).toBe(1) },
  {
    name: 'an animated GIF',
    input: 'animated.gif',
    check(seen) {
      expect(seen.frames).toBe(11)
      expect(Math.abs(seen.duration - 3.9)).toBeLessThan(0.15)
    },
  },
  { name: 'an old AVI', input: 'old.avi', check: (seen) => expect(seen.frames).toBe(50) },
  {
    name: 'a turned film of long pixels, cropped',
    input: 'turned-long-pixels.mp4',
    type: 'crop',
    params: { aspect_ratio: '1:1' },
    check(seen) {
      expect(seen.size).toBe('240x240')
      near(seen.first(0.5, 0.1), [255, 0, 0], 6)
      near(seen.last(0.5, 0.9), [0, 0, 255], 6)
    },
  },
  {
    name: 'a logo that lies on its side',
    input: 'grey-709.mp4',
    type: 'overlay',
    params: { items: [{ type: 'image', image_key: 'input/sideways.jpg', x: 0, y: 0, width: 0.25 }] },
    check(seen) {
      near(seen.first(0.12, 0.2), [255, 0, 0], 6)
      near(seen.last(0.12, 0.7), [0, 0, 255], 6)
    },
  },
  {
    name: 'a sound of an unknown kind',
    input: 'unknown-sound.mp4',
    says: 'has no sound',
    check: whole(50, ['video h264']),
  },
  {
    name: 'a sound of which nothing can be decoded',
    input: 'silent.ts',
    says: 'has no sound',
    check: whole(50, ['video h264']),
  },
  {
    name: 'slides, the last of which stands for a second',
    input: 'slides.mkv',
    check: isSlides(8, RED, LIME, BLUE),
  },
  {
    name: 'an item that comes and goes while a slide stands',
    input: 'slides.mkv',
    type: 'overlay',
    params: {
      items: [
        {
          type: 'image',
          image_key: 'input/brand.png',
          x: 0,
          y: 0,
          width: 0.5,
          start_seconds: 4,
          end_seconds: 6,
        },
        { type: 'image', image_key: 'input/brand.png', x: 0.5, y: 0, width: 0.5, start_seconds: 7.5 },
      ],
    },
    check(seen) {
      expect(seen.frames).toBe(7)
      const [item, slides] = [
        [0xe6, 0, 0x23],
        [RED, LIME, LIME, LIME, BLUE, BLUE, BLUE],
      ]
      for (const [index, slide] of slides.entries()) {
        near(seen.at(index)(0.2, 0.2), index === 2 ? item : slide, 6)
        near(seen.at(index)(0.8, 0.2), index > 4 ? item : slide, 6)
      }
      expect(seen.duration).toBeCloseTo(8, 1)
    },
  },
  {
    name: 'slides as WebM',
    input: 'slides.mkv',
    params: { output: { container: 'webm' } },
    check: isSlides(8, RED, LIME, BLUE),
  },
  {
    name: 'a cut that begins within a slide',
    input: 'slides.mkv',
    type: 'trim',
    params: { start_seconds: 1 },
    check: isSlides(7, RED, LIME, BLUE),
  },
  {
    name: 'a cut within a slide',
    input: 'slides.mkv',
    type: 'trim',
    params: { start_seconds: 4, end_seconds: 6 },
    check: isSlides(2, LIME),
  },
  {
    name: 'a tenth of a microsecond cut off',
    input: 'one-frame.mp4',
    type: 'trim',
    params: { start_seconds: 1e-7 },
    check: (seen) => expect(seen.frames).toBe(1),
  },
  {
    name: 'less than half a frame',
    input: 'grey-709.mp4',
    params: { output: { fps: 1 } },
    check: (seen) => expect(seen.frames).toBe(1),
  },
  {
    name: 'a radio program before one with a picture',
    input: 'two-programs.ts',
    check: async (seen) => expect(Math.abs((await seen.pitch()) - 1000)).toBeLessThan(20),
  },
  { name: 'a recording that begins within a packet', input: 'begun.ts', check: whole(50) },
  {
    name: 'a recording that breaks off',
    input: 'torn.mkv',
    says: 'damaged in places',
    check: (seen) => expect(seen.frames).toBeLessThan(90),
  },
  {
    name: 'the colours of a phone’s screen',
    input: 'p3.mp4',
    check: (seen) => near(seen.last(0.5, 0.5), [0xc8, 0x32, 0x14], 6),
  },
  {
    name: 'a camera’s JPEG, which holds a second picture, and a line',
    input: 'grey-709.mp4',
    type: 'overlay',
    params: {
      items: [
        { type: 'image', image_key: 'input/several.jpg', x: 0, y: 0, width: 0.25 },
        { type: 'image', image_key: 'input/line.png', x: 0.5, y: 0.5, width: 0.25 },
      ],
    },
    check(seen) {
      expect(seen.frames).toBe(10)
      near(seen.last(0.12, 0.2), [255, 0, 0], 6)
      near(seen.last(0.6, 0.501), [255, 0, 0], 130)
    },
  },
  {
    name: 'a picture that changes its size',
    input: 'two-sizes.webm',
    check(seen) {
      expect(seen.size).toBe('320x240')
      expect(seen.frames).toBe(50)
    },
  },
  {
    name: 'a brand over a picture that changes its size',
    input: 'two-sizes.webm',
    type: 'overlay',
    params: brand,
    check: isBrand,
  },
  {
    name: 'a recording to WebM, at its own times',
    input: 'own-times.webm',
    params: { output: { container: 'webm' } },
    check(seen) {
      expect(seen.kinds).toEqual(['video vp9', 'audio opus'])
      expect(seen.frames).toBeGreaterThan(40)
      expect(seen.frames).toBeLessThan(90)
    },
  },
  {
    name: 'one bad patch',
    input: 'damaged.ts',
    says: 'damaged in places',
    check(seen) {
      expect(seen.frames).toBeGreaterThan(100)
      expect(Math.abs(seen.duration - 6)).toBeLessThan(0.2)
    },
  },
  {
    name: 'a cut where only sound is left',
    input: 'long-sound.mkv',
    type: 'trim',
    params: { start_seconds: 2 },
    fails: ['invalid_media', 'holds no picture'],
  },
  {
    name: 'an image that is torn off within its header',
    input: 'grey-709.mp4',
    type: 'overlay',
    params: { items: [{ type: 'image', image_key: 'input/torn.png' }] },
    fails: ['invalid_media', 'An image could not be decoded'],
  },
  { name: 'sound alone', input: 'sound-only.m4a', fails: ['invalid_media', 'has no video track'] },
  {
    name: 'a strip one pixel wide, made large',
    input: 'base.mp4',
    type: 'crop',
    params: { x: 0, y: 0, width: 0.01, height: 1, output: { width: 8192 } },
    fails: ['invalid_params', '8192x4320 is the most'],
  },
]

/** Matches SMPTE bars in BT.709, within the tolerance of a mapping from HDR. */
function isBars(seen: Seen): void {
  for (const [index, bar] of BARS.entries()) near(seen.last((index + 0.5) / BARS.length, 0.3), bar, 30)
}

/** One tone on the left, another one on the right. */
async function isOnBothSides(seen: Seen): Promise<void> {
  expect(Math.abs((await seen.pitch(0)) - 300)).toBeLessThan(20)
  expect(Math.abs((await seen.pitch(1)) - 1000)).toBeLessThan(20)
}

/** Each slide once, the last one a second time where it ends, in this many seconds. */
function isSlides(seconds: number, ...slides: number[][]): (seen: Seen) => void {
  return (seen) => {
    expect(seen.frames).toBe(slides.length + 1)
    for (const [index, slide] of slides.entries()) near(seen.at(index)(0.5, 0.5), slide, 6)
    near(seen.last(0.5, 0.5), slides.at(-1) ?? [], 6)
    expect(Math.abs(seen.duration - seconds)).toBeLessThan(0.15)
  }
}

/** The picture, the sound and nothing else, with the length of the input. */
export function whole(frames: number, kinds = ['video h264', 'audio aac']): (seen: Seen) => void {
  return (seen) => {
    expect(seen.frames).toBe(frames)
    expect(seen.kinds).toEqual(kinds)
    expect(Math.abs(seen.duration - frames / 25)).toBeLessThan(0.15)
  }
}
