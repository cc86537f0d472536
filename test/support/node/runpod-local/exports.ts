import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { clipArgs, ffmpeg, type Media, media } from '../media.ts'
import { eventually, type Json, startLocal, temporaryDir } from './local.ts'
import { type FakeService, fakeService } from './service.ts'

/** Inputs for the tests of one file, created once before them. */
export class Clips {
  #tools: Media | null = null
  /** Two seconds of 320x180 with sound. */
  clip: Buffer = Buffer.alloc(0)
  /** Two seconds of 320x180, black and silent. */
  black: Buffer = Buffer.alloc(0)
  /** A red square as PNG. */
  red: Buffer = Buffer.alloc(0)

  constructor() {
    beforeAll(async () => {
      const tools = await media()
      this.#tools = tools
      if (ffmpeg === null) return
      const lavfi = (source: string) => ['-f', 'lavfi', '-i', source]
      const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']
      this.clip = await tools.make('clip.mp4', ...clipArgs(2))
      this.black = await tools.make('black.mp4', ...lavfi('color=black:s=320x180:r=25:d=2'), ...h264)
      this.red = await tools.make('red.png', ...lavfi('color=red:s=64x64'), '-frames:v', '1')
    })
    afterAll(() => this.#tools?.close())
  }

  get tools(): Media {
    if (this.#tools === null) throw new Error('only within a test')
    return this.#tools
  }

  /** Runs one export of `file` (a number: the status of its URL) and returns the requests to the service and RunPod. */
  async render(type: string, params: Json, file: Buffer | number) {
    const service = await fakeService()
    service.files.set('clip.mp4', file)
    service.files.set('logo.png', this.red)
    const assets = { 'input/logo.png': `${service.url}/files/logo.png` }
    // Characters with a meaning in a filtergraph, to prove that no path is parsed as one.
    const dir = join(await temporaryDir(), "it's [a] dir: x,y;z \\ %")
    const local = await startLocal({ dir })
    const { body } = await local.post('/run', { input: service.input(type, params, { assets }) })
    const id = String(body.id)
    const ended = await eventually(async () => {
      const status = (await local.get(`/status/${id}`)).body
      if (status.status !== 'COMPLETED' && status.status !== 'FAILED')
        throw new Error(`it is ${status.status}`)
      return status
    }, 18_000)
    await eventually(async () => expect(await readdir(local.dir)).toEqual(['fonts', 'fonts.conf']))
    return { service, id, ended, stored: service.stored.get(PUT)?.body ?? Buffer.alloc(0) }
  }
}

/** The upload path in the fake service's input. */
export const PUT = '/put/1-1.mp4'

/** The reported error; fails when a completion was reported too. */
export function reportedFailure(service: FakeService): Json | undefined {
  expect(service.of('complete')).toEqual([])
  return service.of('error')[0]?.body
}
