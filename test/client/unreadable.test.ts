/** A chosen file that is changed, moved or removed while it is uploaded: no repeat can help, and the service is there. */
import { openAsBlob } from 'node:fs'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createExports } from '../../client/index.ts'
import { FakeServer, json } from '../support/node/client/fake-server.ts'
import { anUploadPlan, quick } from '../support/node/client/samples.ts'

const SIZE = 300_000
let server: FakeServer
let dir: string
let path: string
beforeEach(async () => {
  server = await FakeServer.start()
  dir = await mkdtemp(join(tmpdir(), 'exportal-unreadable-'))
  path = join(dir, 'clip.mp4')
  await writeFile(path, new Uint8Array(SIZE))
})
afterEach(async () => {
  await server.stop()
  await rm(dir, { recursive: true })
})

const upload = async (signal?: AbortSignal) =>
  createExports({ baseUrl: server.url, timings: quick }).uploadVideo(await openAsBlob(path), { signal })

/** Answers as the service would; `onPlan` runs before the plan is given. */
function serve(multipart: boolean, onPlan: () => Promise<void>): void {
  const plan = anUploadPlan(SIZE, multipart)
  server.intercept = async ({ path, method }, response) => {
    if (path === '/api/videos/upload-url') {
      await onPlan()
      json(response, 200, plan)
    } else if (method === 'POST') json(response, 200, { key: plan.video_key, uploadId: 'u' })
    else if (path.endsWith('/u')) json(response, 200, [])
    else json(response, 200, { url: '/put' })
    return true
  }
}

const changes = {
  changed: () => appendFile(path, 'x'),
  removed: () => rm(path),
}

for (const multipart of [false, true]) {
  test.each(Object.entries(changes))(`is told at once, in parts: ${multipart}: %s`, async (_, change) => {
    serve(multipart, change)
    await expect(upload()).rejects.toThrow(/file can no longer be read/)
    const signed = server.requests.filter(({ path }) => /\/u\/\d$/.test(path))
    expect(new Set(signed.map(({ path }) => path)).size, 'no part is tried again').toBe(signed.length)
  })
}

test('is not what an upload is said to have failed of that its caller stopped', async () => {
  const stop = new AbortController()
  serve(false, async () => {
    await changes.changed()
    stop.abort(new Error('stopped'))
  })
  await expect(upload(stop.signal)).rejects.toThrow('stopped')
})
