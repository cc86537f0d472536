/**
 * Files as people really have them, each through both workers with every ffmpeg at hand, side by side. What comes out is
 * decoded again and looked at. `npm run test:media`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { findFfmpeg } from '../../runpod-local/worker/find-ffmpeg.ts'
import { hasFfmpeg, python } from '../gpu-worker/python.ts'
import { type Json, startLocal } from '../runpod-local/support/local.ts'
import { fakeService } from '../runpod-local/support/service.ts'
import { Inputs } from './inputs.ts'
import { look, type Seen } from './look.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const FONT = join(ROOT, 'node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf')
/** Images that jobs may lay over. */
const IMAGES = ['brand.png', 'sideways.jpg']
const TAGS = 'tv bt709 bt709 bt709'

/** Each ffmpeg with its ffprobe: the one on PATH, and the one that npm ships where it is not the same. */
async function ffmpegs(): Promise<{ name: string; env: Record<string, string> }[]> {
  const shipped = join(ROOT, 'node_modules/@ffmpeg-installer/linux-x64/ffmpeg')
  const probe = join(ROOT, 'node_modules/@ffprobe-installer/linux-x64/ffprobe')
  const onPath = await findFfmpeg({ FFMPEG_PATH: 'ffmpeg' }).catch(() => null)
  return [
    ...(onPath ? [{ name: 'PATH', env: { FFMPEG_PATH: 'ffmpeg', FFPROBE_PATH: 'ffprobe' } }] : []),
    ...(existsSync(shipped) && existsSync(probe)
      ? [{ name: 'npm', env: { FFMPEG_PATH: shipped, FFPROBE_PATH: probe } }]
      : []),
  ]
}

interface Case {
  name: string
  input: string
  type?: string
  params?: Json
  /** A failure's code and a part of its sentence, in place of a result. */
  fails?: [code: string, words: string]
  check?: (seen: Seen) => void | Promise<void>
}

const near = (found: number[], wanted: number[], most: number) =>
  found.forEach((value, channel) => {
    expect(Math.abs(value - (wanted[channel] ?? 0)), `${found} for ${wanted}`).toBeLessThanOrEqual(most)
  })
const brand: Json = {
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

const CASES: Case[] = [
  { name: 'a cover that comes first', input: 'cover-first.mkv', check: whole(50) },
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
  { name: 'HDR by PQ', input: 'pq.mp4', check: (seen) => near(seen.last(0.21, 0.3), [189, 187, 0], 25) },
  {
    name: 'HDR by HLG',
    input: 'hlg.mp4',
    check(seen) {
      const [red = 0, green = 0, blue = 255] = seen.last(0.21, 0.3)
      expect(Math.min(red, green)).toBeGreaterThan(150)
      expect(blue).toBeLessThan(40)
    },
  },
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
  { name: 'a brand’s colour over HDR', input: 'pq.mp4', type: 'overlay', params: brand, check: isBrand },
  { name: 'a place in the notes', input: 'place.mp4', check: whole(50) },
  {
    name: 'two sounds, the second the default',
    input: 'two-sounds.mkv',
    check: async (seen) => expect(Math.abs((await seen.pitch()) - 1000)).toBeLessThan(20),
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
  { name: 'a sound of an unknown kind', input: 'unknown-sound.mp4', check: whole(50, ['video h264']) },
  {
    name: 'a picture that changes its size',
    input: 'two-sizes.webm',
    check(seen) {
      expect(seen.size).toBe('320x240')
      expect(seen.frames).toBe(50)
    },
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
  { name: 'sound alone', input: 'sound-only.m4a', fails: ['invalid_media', 'has no video track'] },
  {
    name: 'a strip one pixel wide, made large',
    input: 'base.mp4',
    type: 'crop',
    params: { x: 0, y: 0, width: 0.01, height: 1, output: { width: 8192 } },
    fails: ['invalid_params', '8192x4320 is the most'],
  },
]

/** The picture, the sound and nothing else, as long as it was. */
function whole(frames: number, kinds = ['video h264', 'audio aac']): (seen: Seen) => void {
  return (seen) => {
    expect(seen.frames).toBe(frames)
    expect(seen.kinds).toEqual(kinds)
    expect(Math.abs(seen.duration - frames / 25)).toBeLessThan(0.15)
  }
}

/** Inputs are made by the one on PATH. */
const MAKER = 'ffmpeg'
const canMake = hasFfmpeg && /libx265/.test(String(spawnSync(MAKER, ['-hide_banner', '-encoders']).stdout))
if (!canMake)
  console.warn('NO FFMPEG WITH LIBX265 ON PATH TO MAKE INPUTS: the tests of real files are SKIPPED')

/** Does one job with files in `dir`. */
type Render = (input: Json, dir: string) => Promise<void>

const inTypescript =
  (env: Record<string, string>): Render =>
  async (input, dir) => {
    const local = await startLocal({ env: { ...process.env, ...env }, dir })
    const { body } = await local.post('/run', { input })
    const isEnded = async () =>
      expect(['COMPLETED', 'FAILED']).toContain((await local.get(`/status/${body.id}`)).body.status)
    await vi.waitFor(isEnded, { timeout: 100_000, interval: 50 })
  }

/** One process for all jobs, as a GPU's worker is one. */
function inPython(env: Record<string, string>, dir: string): Render {
  const child = spawn(python ?? 'python3', ['-B', 'render_jobs.py'], {
    cwd: import.meta.dirname,
    env: { ...process.env, ...env, EXPORTAL_DIR: dir, EXPORTAL_FONT: FONT, EXPORTAL_ENCODER: 'libx264' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  afterAll(() => child.kill('SIGKILL'))
  return async (input) => {
    child.stdin.write(`${JSON.stringify({ id: 'runpod-1-u1', input })}\n`)
    if ((await answers.next()).done) throw new Error('the worker ended')
  }
}

describe.skipIf(!canMake)('a file', () => {
  let dir = ''
  let inputs: Inputs
  const columns = new Map<string, Render>()
  const table: Record<string, Record<string, string>> = {}

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'exportal-files-'))
    inputs = new Inputs(dir, MAKER)
    for (const { name, env } of await ffmpegs()) {
      columns.set(`TypeScript, ${name}`, inTypescript(env))
      if (python !== null) columns.set(`Python, ${name}`, inPython(env, join(dir, `python-${name}`)))
    }
  })

  afterAll(async () => {
    console.table(table)
    await rm(dir, { recursive: true, force: true })
  })

  /** What is wrong with the result of one worker with one ffmpeg. */
  async function faultOf(each: Case, column: string, render: Render): Promise<string | null> {
    const { input, type = 'transcode', params = {}, fails, check } = each
    const service = await fakeService()
    for (const name of [input, ...IMAGES]) service.files.set(name, await inputs.file(name))
    const assets = Object.fromEntries(IMAGES.map((name) => [`input/${name}`, `${service.url}/files/${name}`]))
    const input_url = `${service.url}/files/${input}`
    await render(service.input(type, params, { assets, input_url }), join(dir, column))
    const [error] = service.of('error')
    const stored = service.stored.get('/put/1-1.mp4')?.body
    try {
      if (fails === undefined) {
        expect(error?.body).toBeUndefined()
        const path = join(dir, `${column}.mp4`)
        await writeFile(path, stored ?? '')
        const seen = await look(path)
        const { tags, rotation, chapters, notes } = seen
        expect({ tags, rotation, chapters, notes }).toEqual({
          tags: TAGS,
          rotation: 0,
          chapters: 0,
          notes: [],
        })
        await check?.(seen)
      } else {
        expect(stored).toBeUndefined()
        expect(error?.body).toMatchObject({ code: fails[0], error: expect.stringContaining(fails[1]) })
      }
      return null
    } catch (fault) {
      return String(fault)
    }
  }

  it.each(CASES)('$name', async (each) => {
    const faults = new Map<string, string>()
    const row: Record<string, string> = {}
    table[each.name] = row
    for (const name of [each.input, ...IMAGES]) await inputs.file(name)
    await Promise.all(
      [...columns].map(async ([column, render]) => {
        const startedAt = performance.now()
        const fault = await faultOf(each, column, render)
        row[column] =
          `${fault === null ? 'passed' : 'FAILED'} ${((performance.now() - startedAt) / 1000).toFixed(1)} s`
        if (fault !== null) faults.set(column, fault)
      }),
    )
    expect(faults).toEqual(new Map())
  })
})
