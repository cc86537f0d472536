/**
 * Real-world files, each rendered by both workers with every available ffmpeg. The results are decoded and checked.
 * `npm run test:media`.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { findFfmpeg } from '../../runpod-local/worker/find-ffmpeg.ts'
import { fontPaths } from '../../runpod-local/worker/text/font-files.ts'
import { python } from '../gpu-worker/python.ts'
import { type Json, startLocal } from '../support/node/runpod-local/local.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'
import { CASES, type Case } from './cases.ts'
import { FRAME_CASES } from './frame-cases.ts'
import { canMake, Inputs, MAKER } from './inputs.ts'
import { look } from './look.ts'
import { isStillOf } from './still.ts'
import { TEXT_CASES } from './text-cases.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Images that jobs may overlay. */
const IMAGES = ['brand.png', 'sideways.jpg', 'sideways.png', 'several.jpg', 'line.png', 'torn.png']
const TAGS = 'tv bt709 bt709 bt709'

/** Each ffmpeg with its ffprobe: the one on PATH, and the bundled one if it differs. */
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

/** Runs one job with files in `dir`. */
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

/** One process for all jobs, as on a GPU worker. */
function inPython(env: Record<string, string>, dir: string): Render {
  const child = spawn(python ?? 'python3', ['-B', 'render_jobs.py'], {
    cwd: import.meta.dirname,
    env: {
      ...process.env,
      ...env,
      EXPORTAL_DIR: dir,
      EXPORTAL_FONTS: fontPaths().join(delimiter),
      EXPORTAL_ENCODER: 'libx264',
    },
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

  /** The fault in the result of one worker with one ffmpeg. */
  async function faultOf(each: Case, column: string, render: Render): Promise<string | null> {
    const { input, type = 'transcode', params = {}, says, fails, check } = each
    const service = await fakeService()
    for (const name of [input, ...IMAGES]) service.files.set(name, await inputs.file(name))
    const assets = Object.fromEntries(IMAGES.map((name) => [`input/${name}`, `${service.url}/files/${name}`]))
    const input_url = `${service.url}/files/${input}`
    const wanted = service.input(type, params)
    const output = { ...(wanted.output as Json), poster_put_url: `${service.url}/put/1-1.jpg` }
    await render({ ...wanted, assets, input_url, output }, join(dir, column))
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
        const told = service.of('complete')[0]?.body ?? {}
        expect(told.poster).toBe(true)
        expect(told.message).toEqual(says === undefined ? undefined : expect.stringContaining(says))
        const poster = join(dir, `${column}.jpg`)
        await writeFile(poster, service.stored.get('/put/1-1.jpg')?.body ?? '')
        await isStillOf(seen, poster)
      } else {
        expect(stored).toBeUndefined()
        expect(error?.body).toMatchObject({ code: fails[0], error: expect.stringContaining(fails[1]) })
      }
      return null
    } catch (fault) {
      return String(fault)
    }
  }

  it.each([...CASES, ...FRAME_CASES, ...TEXT_CASES])('$name', async (each) => {
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
