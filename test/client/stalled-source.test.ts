/** A source that gives no more bytes, as a download that is passed on: aborting the upload must not wait for it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createExports } from '../../client/index.ts'
import { FakeServer, json } from '../support/node/client/fake-server.ts'
import { anUploadPlan, quick } from '../support/node/client/samples.ts'

const SIZE = 300_000
let server: FakeServer
beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await server.stop()
})

function serve(multipart: boolean): void {
  const plan = anUploadPlan(SIZE, multipart)
  server.intercept = ({ path, method }, response) => {
    if (path === '/api/videos/upload-url') json(response, 200, plan)
    else if (method === 'PUT') response.writeHead(200, { etag: '"e"' }).end()
    else if (method === 'POST') json(response, 200, { key: plan.video_key, uploadId: 'u' })
    else json(response, 200, path.endsWith('/u') ? [] : { url: '/put' })
    return true
  }
}

test.each([
  ['one PUT', false, () => {}],
  ['memory first, as in a browser', false, () => vi.stubGlobal('XMLHttpRequest', class {})],
  ['parts', true, () => {}],
])('aborting ends the upload of one by %s, and cancels it', async (_, multipart, pretend) => {
  pretend()
  serve(multipart)
  const asked = Promise.withResolvers<void>()
  const stored = Promise.withResolvers<void>()
  const cancelled = Promise.withResolvers<unknown>()
  let given = 0
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (given++ === 0) return controller.enqueue(new Uint8Array(150_000))
      asked.resolve()
      await new Promise(() => {})
    },
    cancel: cancelled.resolve,
  })
  const stop = new AbortController()
  const upload = createExports({ baseUrl: server.url, timings: quick }).uploadVideo(
    { size: SIZE, stream },
    {
      signal: stop.signal,
      onProgress: ({ loaded }) => loaded === 100_000 && setTimeout(stored.resolve, 20),
    },
  )
  const failed = expect(upload).rejects.toThrow('enough')
  await asked.promise
  // Until the first part is stored, and the next one is waited for.
  if (multipart) await stored.promise
  stop.abort(new Error('enough'))
  await failed
  await cancelled.promise
})
