/** A result too large for one PUT is stored in parts, each retried individually. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import project from '../../package.json' with { type: 'json' }
import { systemClock } from '../../runpod-local/clock.ts'
import { storeResult } from '../../runpod-local/worker/transfer-result.ts'

const PART = 1000
const bytes = Buffer.from(Array.from({ length: 2 * PART + 5 }, (_, i) => i % 251))

/** A status, optionally with the code of its problem; 0 breaks the connection. */
type Refusal = number | [status: number, code: string]

interface Bucket {
  /** Answers of the next requests of this kind, before the usual one. */
  next: Record<string, Refusal[]>
  seen: string[]
  parts: Map<number, Buffer>
  /** The body of the request that opened the upload. */
  begun: unknown
  completed: unknown
  agents: Set<string | undefined>
  putUrl: string
  multipartUrl: string
}

/** One PUT and the multipart routes, strictly as documented for workers. */
async function bucket(next: Record<string, Refusal[]> = {}): Promise<Bucket> {
  const state: Bucket = {
    next,
    seen: [],
    parts: new Map(),
    begun: null,
    completed: null,
    agents: new Set(),
    putUrl: '',
    multipartUrl: '',
  }
  const server = createServer((request, response) => void serve(state, request, response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const base = `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`
  return Object.assign(state, { putUrl: `${base}/whole`, multipartUrl: `${base}/api/uploads/tok` })
}

async function serve(state: Bucket, request: IncomingMessage, response: ServerResponse): Promise<void> {
  state.agents.add(request.headers['user-agent'])
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const path = (request.url ?? '').split('?')[0] ?? ''
  const last = path.split('/').at(-1) ?? ''
  const kind = last === 'multipart' ? 'begin' : path.startsWith('/part/') ? 'part' : last
  state.seen.push(kind === 'part' ? `part ${last}` : kind)
  const [status, code] = [state.next[kind]?.shift()].flat()
  const json = (value: unknown) => response.end(JSON.stringify(value))
  if (status === 0) response.destroy()
  else if (status !== undefined) response.writeHead(Number(status)).end(code && JSON.stringify({ code }))
  else if (kind === 'begin') {
    state.begun = JSON.parse(body.toString())
    json({ key: 'output/1/1-1.mp4', uploadId: 'u', part_size_bytes: PART })
  } else if (kind === 'part') {
    state.parts.set(Number(last), body)
    response.writeHead(200, { etag: `"e${last}"` }).end()
  } else if (kind === 'complete') {
    state.completed = JSON.parse(body.toString())
    json({})
  } else if (kind === 'whole') response.writeHead(201).end()
  else json({ url: state.putUrl.replace('/whole', `/part/${last}`) })
}

async function store(to: Bucket, withParts = true): Promise<number[]> {
  const dir = await mkdtemp(join(tmpdir(), 'parts-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const path = join(dir, 'result')
  await writeFile(path, bytes)
  const output = { video_key: 'k', content_type: 'video/mp4', put_url: to.putUrl }
  const fractions: number[] = []
  await storeResult(path, withParts ? { ...output, multipart_url: to.multipartUrl } : output, {
    clock: systemClock,
    signal: new AbortController().signal,
    backoffMs: [1, 1],
    onFraction: (done) => fractions.push(done),
  })
  return fractions
}

test('one PUT is the way of what fits into it', async () => {
  const to = await bucket()
  await store(to)
  expect(to.seen).toEqual(['whole'])
})

test('a PUT that is refused as too large is followed by parts', async () => {
  const to = await bucket({ whole: [413] })
  const fractions = await store(to)
  expect(to.seen).toEqual(['whole', 'begin', '1', 'part 1', '2', 'part 2', '3', 'part 3', 'complete'])
  expect(Buffer.concat([...to.parts.values()]).equals(bytes)).toBe(true)
  // So that its parts can be signed for a store that does not check sizes.
  expect(to.begun).toEqual({ size_bytes: bytes.length })
  expect(to.completed).toEqual({ parts: [1, 2, 3].map((n) => ({ PartNumber: n, ETag: `"e${n}"` })) })
  expect(fractions.at(-1)).toBe(1)
  expect([...to.agents]).toEqual([`exportal-gpu-worker/${project.version}`])
})

test('a part that fails is signed and sent again, and nothing else is', async () => {
  const to = await bucket({ whole: [413], part: [503, 0], complete: [503] })
  await store(to)
  expect(to.seen.filter((kind) => kind === 'part 1')).toHaveLength(3)
  expect(to.seen.filter((kind) => kind === 'part 2')).toHaveLength(1)
  expect(to.seen.filter((kind) => kind === 'complete')).toHaveLength(2)
  expect(Buffer.concat([...to.parts.values()]).equals(bytes)).toBe(true)
})

test('a signature that ran out is made anew', async () => {
  const to = await bucket({ whole: [413], part: [403] })
  await store(to)
  expect(to.seen).toEqual([
    'whole',
    'begin',
    '1',
    'part 1',
    '1',
    'part 1',
    '2',
    'part 2',
    '3',
    'part 3',
    'complete',
  ])
})

test.each<[string, Record<string, Refusal[]>]>([
  ['at the beginning', { begin: [412] }],
  ['at the end, by an earlier try', { complete: [[409, 'upload_complete']] }],
  ['in between', { part: [412] }],
])('a result that is there already, as is said %s, is as good as stored', async (_, next) => {
  const to = await bucket({ whole: [413], ...next })
  await store(to)
  expect(to.seen.filter((kind) => kind === 'begin' || kind === 'complete')).toHaveLength(
    next.complete ? 2 : 1,
  )
})

test('an upload that is being ended is asked for again', async () => {
  const to = await bucket({ whole: [413], begin: [[409, 'upload_ending']] })
  await store(to)
  expect(to.seen.filter((kind) => kind === 'begin')).toHaveLength(2)
  expect(to.completed).not.toBeNull()
})

test('an upload that was given up is begun anew, with all of its parts', async () => {
  const to = await bucket({ whole: [413], complete: [404] })
  await store(to)
  expect(to.seen.filter((kind) => kind === 'begin')).toHaveLength(2)
  expect(to.seen.filter((kind) => kind === 'part 1')).toHaveLength(2)
  expect(to.completed).toEqual({ parts: [1, 2, 3].map((n) => ({ PartNumber: n, ETag: `"e${n}"` })) })
})

test('an upload that is lost again and again is a failure worth another attempt', async () => {
  const to = await bucket({ whole: [413], 2: [404, 404, 404, 404] })
  await expect(store(to)).rejects.toMatchObject({ code: 'worker_error', shouldRetry: true })
  expect(to.seen.filter((kind) => kind === 'begin')).toHaveLength(3)
})

test.each([
  ['for ever as too old', { part: [403, 403, 403] }],
  ['as long as it is tried', { part: [503, 503, 503] }],
])('what is refused %s is a failure worth another attempt', async (_, next) => {
  const to = await bucket({ whole: [413], ...next })
  await expect(store(to)).rejects.toMatchObject({ code: 'worker_error', shouldRetry: true })
  expect(to.completed).toBeNull()
})

test.each([
  ['as too large where there are no parts', { whole: [413] }, false],
  ['as a whole: 400', { whole: [400] }, true],
  ['as a whole: 411', { whole: [411] }, true],
  ['as a whole: 415', { whole: [415] }, true],
  ['as a part', { whole: [413], part: [400] }, true],
  ['as too large a part', { whole: [413], part: [413] }, true],
])('what is refused %s would be refused again, so it is final', async (_, next, withParts) => {
  const to = await bucket(next)
  await expect(store(to, withParts)).rejects.toMatchObject({ code: 'worker_error', shouldRetry: false })
  expect(to.completed).toBeNull()
})
