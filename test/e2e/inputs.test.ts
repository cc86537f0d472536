/** Inputs that were not uploaded, with real processes: an external URL, and the result of another job. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createExports } from '../../client/index.ts'
import { makeClip } from '../../scripts/clip.ts'
import { ffmpeg } from '../support/node/media.ts'

const stack = inject('stack')
const KEY = 'key-of-the-other-store'

describe.skipIf(!ffmpeg)('an input that was not uploaded', () => {
  const client = createExports({ baseUrl: stack.url })
  const asked: string[] = []
  let dir = ''
  let elsewhere: Server
  let address = ''

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'exportal-inputs-'))
    const path = join(dir, 'clip.mp4')
    await makeClip(path, 2)
    const clip = await readFile(path)
    elsewhere = createServer((request, response) => {
      asked.push(request.url ?? '')
      const isOpen = new URL(request.url ?? '', 'http://x').searchParams.get('key') === KEY
      response.writeHead(isOpen ? 200 : 403, { 'Content-Type': isOpen ? 'video/mp4' : 'text/plain' })
      response.end(isOpen ? clip : 'expired')
    })
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/films/clip.mp4`
  })

  afterAll(async () => {
    elsewhere.close()
    await rm(dir, { recursive: true, force: true })
  })

  it('is fetched where it lies, exported with a poster, and its result exported once more', async () => {
    const { job } = await client.jobs.create({
      project_id: 1,
      type: 'trim',
      input_video_url: `${address}?key=${KEY}`,
      params: { end_seconds: 1 },
    })
    const done = await client.jobs.waitFor(job)
    expect(done).toMatchObject({ status: 'complete', attempt: 1, input_video_url: address, input_url: null })
    expect(asked).toEqual([`/films/clip.mp4?key=${KEY}`])
    const poster = await fetch(new URL(done.poster_url ?? '', stack.url))
    expect([poster.status, poster.headers.get('Content-Type')]).toEqual([200, 'image/jpeg'])
    expect([...new Uint8Array(await poster.arrayBuffer())].slice(0, 2)).toEqual([0xff, 0xd8])

    const again = await client.jobs.create({
      project_id: 1,
      type: 'crop',
      input_video_key: done.output_video_key ?? '',
      params: { aspect_ratio: '1:1' },
    })
    expect(await client.jobs.waitFor(again.job)).toMatchObject({ status: 'complete', attempt: 1 })
    expect(asked).toHaveLength(1)
  })

  it('whose address has expired ends the job at once, with a sentence that does not show its query', async () => {
    const { job } = await client.jobs.create({
      project_id: 1,
      type: 'transcode',
      input_video_url: `${address}?key=expired-by-now`,
    })
    const ended = await client.jobs.waitFor(job, { resolveFailed: true })
    expect(ended).toMatchObject({ status: 'error', attempt: 1, error: { code: 'input_not_found' } })
    expect(ended.error?.message).toContain('/films/clip.mp4')
    expect(JSON.stringify(ended)).not.toContain('expired-by-now')
  })
})
