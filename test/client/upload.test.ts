import { openAsBlob } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  createExports,
  ExportalConnectionError,
  type UploadPlan,
  type UploadProgress,
} from '../../client/index.ts'
import { FakeServer, json, problem, type Seen } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

let server: FakeServer
let keys: number
/** Handles the PUT; `tried` counts from 1. */
let onPut: (response: ServerResponse, tried: number, request: Seen) => void
let urlLivesMs: number

beforeEach(async () => {
  server = await FakeServer.start()
  keys = 0
  urlLivesMs = 60_000
  onPut = (response) => json(response, 201, {})
  server.intercept = (request, response) => {
    if (request.method === 'PUT') onPut(response, puts().length, request)
    else {
      const { content_type } = JSON.parse(request.body)
      json(response, 200, {
        upload_url: `/api/videos/upload/input/${++keys}/clip.mp4?sig=x`,
        video_key: `input/${keys}/clip.mp4`,
        method: 'PUT',
        headers: { 'Content-Type': content_type, 'If-None-Match': '*' },
        expires_at: new Date(Date.now() + urlLivesMs).toISOString(),
        size_bytes: JSON.parse(request.body).size_bytes,
      })
    }
    return true
  }
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await server.stop()
})

const puts = () => server.requests.filter(({ method }) => method === 'PUT')
const client = () => createExports({ baseUrl: server.url, token: 'secret', timings: quick })
const bytes = new Uint8Array(300_000).map((_, i) => i % 251)

test('a Blob is sent with its length and the headers of the plan, without our token', async () => {
  const uploaded = await client().uploadVideo(new Blob([bytes], { type: 'video/webm' }), {
    projectId: 7,
    filename: 'a.webm',
  })
  expect(uploaded).toEqual({
    video_key: 'input/1/clip.mp4',
    filename: 'a.webm',
    content_type: 'video/webm',
    size_bytes: bytes.length,
  })
  expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
    filename: 'a.webm',
    content_type: 'video/webm',
    size_bytes: bytes.length,
    project_id: 7,
  })
  const [put] = puts()
  expect(put?.path).toBe('/api/videos/upload/input/1/clip.mp4')
  expect(put?.bytes.equals(bytes)).toBe(true)
  expect(put?.headers).toMatchObject({
    'content-type': 'video/webm',
    'content-length': '300000',
    'if-none-match': '*',
  })
  expect(put?.headers).not.toHaveProperty('transfer-encoding')
  expect(put?.headers).not.toHaveProperty('authorization')
})

test('a file from disk, its name and type guessed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'upload-'))
  const path = join(folder, 'x.bin')
  await writeFile(path, bytes)
  const uploaded = await client().uploadVideo(await openAsBlob(path), { filename: 'Holiday.MOV' })
  expect(uploaded).toMatchObject({ content_type: 'video/quicktime', size_bytes: bytes.length })
  expect(puts()[0]?.bytes.equals(bytes)).toBe(true)
  await rm(folder, { recursive: true })
})

test('control characters in the name of a file, which the service refuses, do not keep it from being uploaded', async () => {
  const named = new File([bytes], 'take\n2\t\u0007.MOV')
  expect((await client().uploadVideo(named)).filename).toBe('take 2 .MOV')
  const [asked] = server.requests
  expect(JSON.parse(asked?.body ?? '')).toMatchObject({
    filename: 'take 2 .MOV',
    content_type: 'video/quicktime',
  })
})

test.each([
  ['a File', () => new File([bytes], 'clip.mp4', { type: 'video/mp4' })],
  [
    'a stream with a size',
    () => ({ size: bytes.length, name: 'clip.mp4', stream: new Blob([bytes]).stream() }),
  ],
  [
    'something that opens a stream',
    () => ({
      size: bytes.length,
      name: 'clip.mp4',
      type: 'video/mp4',
      stream: () => new Blob([bytes]).stream(),
    }),
  ],
])('%s', async (_, make) => {
  expect(await client().uploadVideo(make())).toMatchObject({
    filename: 'clip.mp4',
    content_type: 'video/mp4',
  })
  expect(puts()[0]?.bytes.equals(bytes)).toBe(true)
})

test('progress rises, and says 100 only once the service has confirmed', async () => {
  const bar: UploadProgress[] = []
  let whenAnswered: number | undefined
  onPut = (response) => {
    whenAnswered = bar.at(-1)?.percent
    json(response, 201, {})
  }
  const parts = [0, 100_000, 200_000].map((at) => bytes.subarray(at, at + 100_000))
  const stream = () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const part of parts) controller.enqueue(part)
        controller.close()
      },
    })
  const source = { size: bytes.length, stream }
  await client().uploadVideo(source, { onProgress: (progress) => bar.push(progress) })
  expect(bar.map(({ loaded }) => loaded)).toEqual([100_000, 200_000, 300_000, 300_000])
  const percents = bar.map(({ percent }) => percent)
  expect(percents).toEqual(percents.toSorted((a, b) => a - b))
  expect(whenAnswered).toBe(99)
  expect(bar.at(-1)).toEqual({ loaded: 300_000, total: 300_000, percent: 100, attempt: 1 })
})

test('a broken line and a 5xx are tried again, from the start', async () => {
  onPut = (response, tried) => {
    if (tried === 1) response.destroy()
    else if (tried === 2) problem(response, 503, 'storage_unavailable')
    else json(response, 201, {})
  }
  const attempts: number[] = []
  await client().uploadVideo(new Blob([bytes]), { onProgress: ({ attempt }) => attempts.push(attempt) })
  expect([...new Set(attempts)]).toEqual([1, 2, 3])
  expect(puts().map(({ path }) => path)).toEqual(Array(3).fill('/api/videos/upload/input/1/clip.mp4'))
  expect(puts()[2]?.bytes.equals(bytes)).toBe(true)
})

test('a repeat after the URL has expired asks for a new one', async () => {
  urlLivesMs = -1
  onPut = (response, tried) => {
    if (tried === 1) response.destroy()
    else json(response, 201, {})
  }
  expect((await client().uploadVideo(new Blob([bytes]))).video_key).toBe('input/2/clip.mp4')
})

test('a kept plan that the service refuses is replaced by a new one, whatever the local clock says', async () => {
  let kept: UploadPlan | undefined
  const onPlan = (plan: UploadPlan) => {
    kept = plan
  }
  await client().uploadVideo(new Blob([bytes]), { onPlan })
  onPut = (response, _, { path }) =>
    path.includes('/input/1/') ? problem(response, 403, 'signature_expired') : json(response, 201, {})
  const blob = new Blob([bytes])
  expect((await client().uploadVideo(blob, { plan: kept })).video_key).toBe('input/2/clip.mp4')
  onPut = (response) => problem(response, 403, 'signature_invalid')
  await expect(client().uploadVideo(blob, { plan: kept })).rejects.toMatchObject({ status: 403 })
  expect(puts()).toHaveLength(5)
})

test('so is one that is refused on a repeat, which may come hours later; a new one is not', async () => {
  onPut = (response, tried) => {
    if (tried === 1) response.destroy()
    else problem(response, 403, 'signature_expired')
  }
  await expect(client().uploadVideo(new Blob([bytes]))).rejects.toMatchObject({ status: 403 })
  expect(puts().map(({ path }) => path.split('/')[5])).toEqual(['1', '1', '2'])
  await expect(client().uploadVideo(new Blob([bytes]))).rejects.toMatchObject({ status: 403 })
  expect(puts()).toHaveLength(4)
})

test('a 412 on a repeat means that the first try had arrived', async () => {
  onPut = (response, tried) => {
    if (tried === 1) response.destroy()
    else problem(response, 412, 'already_exists')
  }
  expect((await client().uploadVideo(new Blob([bytes]))).video_key).toBe('input/1/clip.mp4')
  expect(puts()).toHaveLength(2)
})

test('a 412 at first, and every other refusal, is an error at once', async () => {
  onPut = (response) => problem(response, 412, 'already_exists')
  await expect(client().uploadVideo(new Blob([bytes]))).rejects.toMatchObject({ code: 'already_exists' })
  onPut = (response) => problem(response, 413, 'body_too_large')
  await expect(client().uploadVideo(new Blob([bytes]))).rejects.toMatchObject({ status: 413 })
  expect(puts()).toHaveLength(2)
})

test('a line that says nothing any more is given up, and the file sent again', async () => {
  onPut = (response, tried) => {
    if (tried > 1) json(response, 201, {})
  }
  const impatient = createExports({ baseUrl: server.url, timings: { ...quick, uploadStallMs: 400 } })
  expect((await impatient.uploadVideo(new Blob([bytes]))).video_key).toBe('input/1/clip.mp4')
  // One more on a machine that answers slowly.
  expect(puts().length).toBeGreaterThanOrEqual(2)
})

test('what can be read once is sent once', async () => {
  onPut = (response) => response.destroy()
  const source = { size: bytes.length, stream: new Blob([bytes]).stream() }
  await expect(client().uploadVideo(source)).rejects.toBeInstanceOf(ExportalConnectionError)
  expect(puts()).toHaveLength(1)
})

test('aborting ends it with the reason', async () => {
  const controller = new AbortController()
  onPut = () => controller.abort(new Error('enough'))
  await expect(client().uploadVideo(new Blob([bytes]), { signal: controller.signal })).rejects.toThrow(
    'enough',
  )
  expect(puts()).toHaveLength(1)
})

test('a plan that was made for a file of another size is not gone on with', async () => {
  let kept: UploadPlan | undefined
  await client().uploadVideo(new Blob([bytes]), {
    onPlan: (plan) => {
      kept = plan
    },
  })
  const shorter = new Blob([bytes.subarray(1)])
  expect((await client().uploadVideo(shorter, { plan: kept })).video_key).toBe('input/2/clip.mp4')
  expect((await client().uploadVideo(new Blob([bytes]), { plan: kept })).video_key).toBe('input/1/clip.mp4')
})

describe.each([
  ['Node', () => {}],
  ['a browser', () => vi.stubGlobal('XMLHttpRequest', FakeXhr)],
  ['the worker of a browser', () => vi.stubGlobal('process', {})],
])('in %s', (_, pretend) => {
  beforeEach(pretend)

  test.each([
    ['too short', [bytes.subarray(1)], '299999'],
    ['too long', [bytes, bytes.subarray(0, 1)], 'more than 300000'],
    ['endless', null, 'more than 300000'],
  ])('a stream that is %s is an error that says so, once, and no file', async (_, chunks, count) => {
    const stream = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          const chunk = chunks ? chunks[at++] : bytes
          if (chunk) controller.enqueue(chunk)
          else controller.close()
        },
      })
    let at = 0
    const expected = `The stream gave ${count} bytes where 300000 were announced.`
    await expect(client().uploadVideo({ size: bytes.length, stream })).rejects.toThrow(expected)
    expect(puts().filter(({ bytes: { length } }) => length >= bytes.length)).toEqual([])
    expect(puts().length).toBeLessThanOrEqual(1)
  })
})

test.each([
  ['a browser', () => vi.stubGlobal('XMLHttpRequest', FakeXhr)],
  ['the worker of a browser', () => vi.stubGlobal('process', {})],
])('in %s, which sends no streams, one is collected first and can be sent again', async (_, pretend) => {
  pretend()
  const bodies: unknown[] = []
  const fetch: typeof globalThis.fetch = async (url, init) => {
    if (init?.body instanceof ReadableStream) throw new TypeError('Failed to fetch')
    if (init?.method === 'PUT') bodies.push(init.body)
    return globalThis.fetch(url, init)
  }
  onPut = (response, tried) => {
    if (tried === 1) response.destroy()
    else json(response, 201, {})
  }
  FakeXhr.reset()
  const source = { size: bytes.length, name: 'clip.mp4', stream: new Blob([bytes]).stream() }
  const exportal = createExports({ baseUrl: server.url, timings: quick, fetch })
  expect((await exportal.uploadVideo(source)).video_key).toBe('input/1/clip.mp4')
  const sent = [...bodies, ...FakeXhr.bodies]
  expect(sent.length).toBe(2)
  for (const body of sent) {
    expect(body).toBeInstanceOf(Blob)
    expect(Buffer.from(await (body as Blob).arrayBuffer()).equals(bytes)).toBe(true)
  }
})

test('a browser sends by XMLHttpRequest, which knows what was sent', async () => {
  FakeXhr.reset()
  vi.stubGlobal('XMLHttpRequest', FakeXhr)
  const bar: string[] = []
  await client().uploadVideo(new Blob([bytes], { type: 'video/mp4' }), {
    onProgress: ({ percent, attempt }) => bar.push(`${attempt}: ${percent}`),
  })
  expect(bar).toEqual(['1: 50', '2: 50', '2: 100'])
  expect(FakeXhr.said.slice(0, 3)).toEqual([
    `PUT ${server.url}/api/videos/upload/input/1/clip.mp4?sig=x`,
    'Content-Type: video/mp4',
    'If-None-Match: *',
  ])
})

/** Fails once, then stores. */
class FakeXhr {
  static said: string[] = []
  static bodies: Blob[] = []
  static reset() {
    FakeXhr.said = []
    FakeXhr.bodies = []
  }
  upload: { onprogress?: (event: { loaded: number }) => void } = {}
  onload?: () => void
  onloadend?: () => void
  onerror?: () => void
  status = 0
  responseText = ''
  open(method: string, url: string) {
    FakeXhr.said.push(`${method} ${url}`)
  }
  setRequestHeader(name: string, value: string) {
    FakeXhr.said.push(`${name}: ${value}`)
  }
  getAllResponseHeaders() {
    return 'x-request-id: req-7\r\ncontent-type: application/problem+json\r\n'
  }
  send(body: Blob) {
    this.upload.onprogress?.({ loaded: body.size / 2 })
    FakeXhr.bodies.push(body)
    this.status = FakeXhr.bodies.length > 1 ? 201 : 500
    this.onload?.()
    this.onloadend?.()
  }
}
