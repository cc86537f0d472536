/** Large files: the service plans parts, and the client sends each until it is stored, and no part twice. */
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createExports,
  type ExportsOptions,
  type UploadOptions,
  type UploadPlan,
  type UploadProgress,
} from '../../client/index.ts'
import { FakeServer, json, problem, type Seen } from './fake-server.ts'
import { quick } from './samples.ts'

const PART = 100_000
const bytes = new Uint8Array(3 * PART + 4_000).map((_, i) => i % 251)
const file = () => new File([bytes], 'clip.mp4', { type: 'video/mp4' })

let server: FakeServer
/** What is stored of the one upload, by number. */
let stored: Map<number, Buffer>
let completed: { PartNumber: number; ETag: string }[] | null
let signed: number[]
/** What the PUT of a part does; `tried` counts from 1, for each part. */
let onPart: (response: ServerResponse, number: number, tried: number) => void

beforeEach(async () => {
  server = await FakeServer.start()
  stored = new Map()
  completed = null
  signed = []
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
    const parts = [...stored].map(([number, { length }]) => ({
      PartNumber: number,
      Size: length,
      ETag: `e${number}`,
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
  multipart: { companion_url: `${server.url}/api/uploads/tok`, part_size_bytes: PART, part_count: 4 },
  ...over,
})

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

test.each([
  ['has expired', () => plan({ expires_at: new Date(Date.now() - 1).toISOString(), video_key: 'old' })],
  [
    'was for a file of another size',
    () =>
      plan({
        multipart: { companion_url: `${server.url}/x`, part_size_bytes: PART, part_count: 9 },
        video_key: 'old',
      }),
  ],
])('a plan that %s is not gone on with', async (_, make) => {
  expect((await upload({ plan: make() })).video_key).toBe('input/1/clip.mp4')
})

test('an upload whose completion was only not heard of is done', async () => {
  server.intercept = (request, response) => {
    if (request.path.endsWith('/s3/multipart')) problem(response, 412, 'already_exists')
    else answer(request, response)
    return true
  }
  expect((await upload({ plan: plan() })).video_key).toBe('input/1/clip.mp4')
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

test('a stream that ends too early is an error and no file', async () => {
  const source = { size: bytes.length, stream: new Blob([bytes.subarray(0, 150_000)]).stream() }
  await expect(client().uploadVideo(source)).rejects.toThrow(`150000 bytes where ${bytes.length}`)
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
