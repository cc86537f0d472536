/** Large files: the service plans parts, and the client sends each until it is stored, and no part twice. */
import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createExports,
  type ExportsOptions,
  type UploadOptions,
  type UploadPlan,
  type UploadProgress,
  type UploadSource,
} from '../../client/index.ts'
import { FakeServer, json, problem, type Seen } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

const PART = 100_000
const bytes = new Uint8Array(3 * PART + 4_000).map((_, i) => i % 251)
const file = () => new File([bytes], 'clip.mp4', { type: 'video/mp4' })

let server: FakeServer
/** The stored parts of the one upload, by number. */
let stored: Map<number, Buffer>
let completed: { PartNumber: number; ETag: string }[] | null
let signed: number[]
/** Whether the list of parts contains their checksums. */
let knowsSums: boolean
/** Handles the PUT of a part; `tried` counts from 1, for each part. */
let onPart: (response: ServerResponse, number: number, tried: number) => void

beforeEach(async () => {
  server = await FakeServer.start()
  stored = new Map()
  completed = null
  signed = []
  knowsSums = true
  onPart = store
  server.intercept = (request, response) => {
    answer(request, response)
    return true
  }
})
afterEach(() => server.stop())

function answer(request: Seen, response: ServerResponse): void {
  const { method, path, body } = request
  const last = path.split('/').at(-1) ?? ''
  if (path === '/api/videos/upload-url') json(response, 200, plan())
  else if (method === 'PUT') onPart(response, Number(last), puts(Number(last)).length)
  else if (path.endsWith('/s3/multipart')) json(response, 200, { key: 'input/1/clip.mp4', uploadId: 'u/1' })
  else if (path.endsWith('/complete')) {
    completed = JSON.parse(body).parts
    json(response, 200, { key: 'input/1/clip.mp4' })
  } else if (last === 'u%2F1') {
    const parts = [...stored].map(([number, bytes]) => ({
      PartNumber: number,
      Size: bytes.length,
      ETag: `e${number}`,
      ...(knowsSums && { MD5: md5(bytes).toString('hex') }),
    }))
    json(response, 200, parts)
  } else {
    signed.push(Number(last))
    json(response, 200, { url: `/part/${last}` })
  }
}

const plan = (over: Partial<UploadPlan> = {}): UploadPlan => ({
  upload_url: null,
  video_key: 'input/1/clip.mp4',
  method: 'PUT',
  headers: {},
  expires_at: new Date(Date.now() + 60_000).toISOString(),
  size_bytes: bytes.length,
  multipart: { companion_url: `${server.url}/api/uploads/tok`, part_size_bytes: PART, part_count: 4 },
  ...over,
})

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()

const puts = (number?: number) =>
  server.requests.filter(
    ({ method, path }) => method === 'PUT' && (number === undefined || path === `/part/${number}`),
  )

function store(response: ServerResponse, number: number): void {
  stored.set(number, puts(number).at(-1)?.bytes ?? Buffer.alloc(0))
  response.writeHead(200, { etag: `"e${number}"` }).end()
}

const client = (over: Partial<ExportsOptions> = {}) =>
  createExports({ baseUrl: server.url, token: 'secret', timings: quick, ...over })
const upload = (options: UploadOptions = {}) => client().uploadVideo(file(), options)
const wholeFile = () => Buffer.concat([1, 2, 3, 4].map((number) => stored.get(number) ?? Buffer.alloc(0)))

test('a file goes in equal parts and is put together in order', async () => {
  expect(await upload()).toEqual({
    video_key: 'input/1/clip.mp4',
    filename: 'clip.mp4',
    content_type: 'video/mp4',
    size_bytes: bytes.length,
  })
  expect([...stored].sort().map(([number, { length }]) => [number, length])).toEqual([
    [1, PART],
    [2, PART],
    [3, PART],
    [4, 4_000],
  ])
  expect(wholeFile().equals(bytes)).toBe(true)
  expect(completed).toEqual([1, 2, 3, 4].map((number) => ({ PartNumber: number, ETag: `"e${number}"` })))
})

test('the token goes to the API alone: the plan’s own addresses have their authority in them', async () => {
  await upload()
  const withToken = server.requests.filter(({ headers }) => headers.authorization !== undefined)
  expect(withToken.map(({ path }) => path)).toEqual(['/api/videos/upload-url'])
})

test('a part that fails is sent again by itself, under a new signature', async () => {
  onPart = (response, number, tried) => {
    if (number === 2 && tried === 1) problem(response, 503, 'storage_unavailable')
    else if (number === 3 && tried < 4) response.destroy()
    else store(response, number)
  }
  await upload()
  expect([1, 2, 3, 4].map((number) => puts(number).length)).toEqual([1, 2, 4, 1])
  expect(signed.toSorted()).toEqual([1, 2, 2, 3, 3, 3, 3, 4])
  expect(wholeFile().equals(bytes)).toBe(true)
})

test('a later call goes on under the plan of the first, and sends what is missing', async () => {
  const held: ServerResponse[] = []
  onPart = (response, number) => {
    if (number < 3) store(response, number)
    else held.push(response)
    if (stored.size === 2) for (const each of held.splice(0)) problem(each, 403, 'no')
  }
  let kept: UploadPlan | undefined
  const keep = (given: UploadPlan) => {
    kept = given
  }
  await expect(upload({ onPlan: keep })).rejects.toMatchObject({ status: 403 })
  expect([...stored.keys()].sort()).toEqual([1, 2])
  server.requests.length = 0
  onPart = store
  await upload({ plan: kept, onPlan: () => expect.unreachable() })
  const sent = puts().map(({ path }) => path)
  expect(sent.sort()).toEqual(['/part/3', '/part/4'])
  expect(wholeFile().equals(bytes)).toBe(true)
})

test.each<[string, object]>([
  ['has expired', { expires_at: new Date(Date.now() - 1).toISOString() }],
  ['was for a file of another size, which has as many parts', { size_bytes: bytes.length + 1 }],
  ['does not say for which size it was', { size_bytes: undefined }],
])('a plan that %s is not gone on with: nothing is sent under it', async (_, over) => {
  const { multipart } = plan()
  const companion_url = `${server.url}/api/uploads/old`
  const old = plan({
    video_key: 'old',
    ...over,
    ...(multipart && { multipart: { ...multipart, companion_url } }),
  })
  expect((await upload({ plan: old })).video_key).toBe('input/1/clip.mp4')
  expect(server.requests.filter(({ path }) => path.startsWith('/api/uploads/old'))).toEqual([])
})

test('a file of the same size is not taken for the one that is stored: every part that differs is sent', async () => {
  const other = bytes.with(5, 1).with(2 * PART + 5, 1)
  for (const number of [1, 2, 3]) {
    stored.set(number, Buffer.from(other.subarray((number - 1) * PART, number * PART)))
  }
  await upload({ plan: plan() })
  expect(
    puts()
      .map(({ path }) => path)
      .sort(),
  ).toEqual(['/part/1', '/part/3', '/part/4'])
  expect(wholeFile().equals(bytes)).toBe(true)
})

test('a part of which nobody knows the checksum is sent again', async () => {
  knowsSums = false
  stored.set(1, Buffer.from(bytes.subarray(0, PART)))
  await upload({ plan: plan() })
  expect(puts()).toHaveLength(4)
})

/** A file of these bytes is stored; under a new plan it is not. */
function hasStored(file: Uint8Array): void {
  const sums = [0, 1, 2, 3].map((part) => md5(file.subarray(part * PART, (part + 1) * PART)))
  const etag = `"${md5(Buffer.concat(sums)).toString('hex')}-4"`
  server.intercept = (request, response) => {
    if (request.path === '/api/uploads/old/s3/multipart') problem(response, 412, 'already_exists', { etag })
    else answer(request, response)
    return true
  }
}
const completedPlan = () =>
  plan({
    video_key: 'input/old/clip.mp4',
    multipart: { companion_url: `${server.url}/api/uploads/old`, part_size_bytes: PART, part_count: 4 },
  })

test.each<[string, () => UploadSource]>([
  ['a file', file],
  ['what can be read once', () => ({ size: bytes.length, stream: new Blob([bytes]).stream() })],
])('an upload whose completion was only not heard of is done: %s', async (_, make) => {
  hasStored(bytes)
  const done = await client().uploadVideo(make(), { plan: completedPlan() })
  expect(done.video_key).toBe('input/old/clip.mp4')
  expect(puts()).toEqual([])
})

test('another file under the plan of one that is complete is uploaded by itself', async () => {
  hasStored(bytes.with(7, 0))
  expect((await upload({ plan: completedPlan() })).video_key).toBe('input/1/clip.mp4')
  expect(wholeFile().equals(bytes)).toBe(true)
})

test('another file that can be read once is refused under the plan of one that is complete', async () => {
  hasStored(bytes.with(7, 0))
  const source = { size: bytes.length, stream: new Blob([bytes]).stream() }
  const sent = client().uploadVideo(source, { plan: completedPlan() })
  await expect(sent).rejects.toThrow('Another file was stored under this plan')
  expect(puts()).toEqual([])
})

test('a refusal ends the upload at once, the parts beside it too', async () => {
  const others: ServerResponse[] = []
  onPart = (response, number) => {
    if (number === 2) problem(response, 413, 'part_too_large')
    else others.push(response)
  }
  await expect(upload()).rejects.toMatchObject({ code: 'part_too_large' })
  expect(completed).toBeNull()
  for (const response of others) response.destroy()
})

test('aborting ends it with the reason', async () => {
  const controller = new AbortController()
  onPart = () => controller.abort(new Error('enough'))
  await expect(upload({ signal: controller.signal })).rejects.toThrow('enough')
  await expect(upload({ signal: controller.signal })).rejects.toThrow('enough')
  expect(completed).toBeNull()
})

test('progress never falls, and says 100 only once the file is put together', async () => {
  onPart = (response, number, tried) => (tried < 3 ? response.destroy() : store(response, number))
  const bar: UploadProgress[] = []
  await upload({ onProgress: (progress) => bar.push({ ...progress }) })
  const loaded = bar.map((each) => each.loaded)
  expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
  expect(bar.slice(0, -1).every(({ percent }) => percent <= 99)).toBe(true)
  expect(bar.at(-1)).toEqual({ loaded: bytes.length, total: bytes.length, percent: 100, attempt: 1 })
})

test('what can be read once is sent in parts as well, and each can be repeated', async () => {
  onPart = (response, number, tried) => (tried === 1 ? response.destroy() : store(response, number))
  const source = { size: bytes.length, name: 'clip.mp4', stream: new Blob([bytes]).stream() }
  await client().uploadVideo(source)
  expect(wholeFile().equals(bytes)).toBe(true)
  expect(puts().map(({ path }) => path)).toEqual([1, 1, 2, 2, 3, 3, 4, 4].map((n) => `/part/${n}`))
})

test.each([
  ['ends too early', bytes.subarray(0, 150_000), '150000', 1],
  ['ends with a part', bytes.subarray(0, 2 * PART), '200000', 2],
  ['goes on beyond its size', Buffer.concat([bytes, bytes]), `more than ${bytes.length}`, 3],
])('a stream that %s is an error and no file', async (_, given, count, sent) => {
  const source = { size: bytes.length, stream: new Blob([given]).stream() }
  const expected = `The stream gave ${count} bytes where ${bytes.length} were announced.`
  await expect(client().uploadVideo(source)).rejects.toThrow(expected)
  expect(puts()).toHaveLength(sent)
  expect(completed).toBeNull()
})

test('an ETag that cannot be read is told as what it is, and tried once', async () => {
  onPart = (response) => void response.writeHead(200).end()
  await expect(client().uploadVideo(new Blob([bytes.subarray(0, 10)]))).rejects.toThrow(/ETag.*CORS/)
  expect(puts()).toHaveLength(1)
})

test('an error names no address: they are secrets', async () => {
  server.intercept = (request, response) => {
    if (request.path.endsWith('/s3/multipart')) json(response, 200, 'x')
    else if (request.path === '/api/videos/upload-url') json(response, 200, plan())
    else response.writeHead(200).end('no json')
    return true
  }
  const error = await upload().catch((thrown: Error) => thrown)
  expect(String(error)).not.toContain('tok')
})
