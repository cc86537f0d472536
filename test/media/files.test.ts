/**
 * Files as people really have them, through both workers and each ffmpeg at hand: what comes out is looked at by
 * another pair of eyes. `npm run test:media`.
 */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFfmpeg } from '../../runpod-local/worker/find-ffmpeg.ts'
import { hasFfmpeg, python } from '../gpu-worker/python.ts'
import { eventually, type Json, startLocal } from '../runpod-local/support/local.ts'
import { type FakeService, fakeService } from '../runpod-local/support/service.ts'
import { Inputs } from './inputs.ts'
import { look, type Seen } from './look.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const FONT = join(ROOT, 'node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf')
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
  check?: (seen: Seen) => void
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
    check: (seen) => expect(Math.abs((seen.pitch ?? 0) - 1000)).toBeLessThan(20),
  },
  {
    name: 'nine channels',
    input: 'nine-channels.mov',
    check: (seen) => expect(Math.abs((seen.pitch ?? 0) - 440)).toBeLessThan(20),
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
  { name: 'an animated GIF', input: 'animated.gif', check: (seen) => expect(seen.frames).toBe(10) },
  { name: 'an old AVI', input: 'old.avi', check: (seen) => expect(seen.frames).toBe(50) },
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
function whole(frames: number): (seen: Seen) => void {
  return (seen) => {
    expect(seen.frames).toBe(frames)
    expect(seen.kinds).toEqual(['video h264', 'audio aac'])
    expect(Math.abs(seen.duration - frames / 25)).toBeLessThan(0.15)
  }
}

/** Inputs are made by the one on PATH. */
const MAKER = 'ffmpeg'
const canMake = hasFfmpeg && /libx265/.test(String(spawnSync(MAKER, ['-hide_banner', '-encoders']).stdout))
if (!canMake)
  console.warn('NO FFMPEG WITH LIBX265 ON PATH TO MAKE INPUTS: the tests of real files are SKIPPED')

type Worker = (service: FakeService, input: Json, env: Record<string, string>, dir: string) => Promise<void>

const inTypescript: Worker = async (_service, input, env, dir) => {
  const local = await startLocal({ env: { ...process.env, ...env }, dir })
  const { body } = await local.post('/run', { input })
  await eventually(async () => {
    const { status } = (await local.get(`/status/${body.id}`)).body
    if (status !== 'COMPLETED' && status !== 'FAILED') throw new Error(`it is ${status}`)
  }, 100_000)
}

const inPython: Worker = (_service, input, env, dir) => {
  const options = {
    cwd: import.meta.dirname,
    env: { ...process.env, ...env, EXPORTAL_DIR: dir, EXPORTAL_FONT: FONT, EXPORTAL_ENCODER: 'libx264' },
  }
  return new Promise((done, fail) => {
    const child = execFile(python ?? 'python3', ['-B', 'render_job.py'], options, (error) =>
      error ? fail(error) : done(),
    )
    child.stdin?.end(JSON.stringify({ id: 'runpod-1-u1', input }))
  })
}

const workers: [string, Worker][] = [
  ['runpod-local', inTypescript],
  ...(python === null ? [] : [['gpu-worker', inPython] as [string, Worker]]),
]
const available = canMake ? await ffmpegs() : []
const columns = available.flatMap(({ name, env }) =>
  workers.map(([worker, render]) => ({ column: `${worker} with ffmpeg of ${name}`, env, render })),
)

describe.skipIf(!canMake).each(columns)('$column', ({ column, env, render }) => {
  let dir = ''
  let inputs: Inputs
  const outcomes: string[] = []

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'exportal-files-'))
    inputs = new Inputs(dir, MAKER)
  })

  afterAll(async () => {
    console.log(`${column}:\n${outcomes.join('\n')}`)
    await rm(dir, { recursive: true, force: true })
  })

  it.each(CASES)('$name', async ({ name, input, type = 'transcode', params = {}, fails, check }) => {
    const service = await fakeService()
    service.files.set('clip.mp4', await inputs.file(input))
    service.files.set('brand.png', await inputs.file('brand.png'))
    const assets = { 'input/brand.png': `${service.url}/files/brand.png` }
    outcomes.push(`  FAILED  ${name}`)
    await render(service, service.input(type, params, { assets }), env, join(dir, 'work'))
    const [error] = service.of('error')
    const stored = service.stored.get('/put/1-1.mp4')?.body
    if (fails !== undefined) {
      expect(stored).toBeUndefined()
      expect(error?.body).toMatchObject({ code: fails[0], error: expect.stringContaining(fails[1]) })
    } else {
      expect(error?.body).toBeUndefined()
      const path = join(dir, 'result.mp4')
      await writeFile(path, stored ?? '')
      const seen = await look(path)
      expect({
        tags: seen.tags,
        rotation: seen.rotation,
        chapters: seen.chapters,
        notes: seen.notes,
      }).toEqual({
        tags: TAGS,
        rotation: 0,
        chapters: 0,
        notes: [],
      })
      check?.(seen)
    }
    outcomes.pop()
    outcomes.push(`  passed  ${name}`)
  })
})
