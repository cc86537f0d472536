/** For any invalid input, the answer is a problem that names the fault, and nothing was written. */
import { createExecutionContext, listDurableObjectIds } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { handle } from '../../../src/router.ts'
import {
  api,
  bindings,
  countRows,
  jobBody,
  post,
  problemOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'

useHttpWorld()

const written = async () => [await countRows(), (await env.VIDEOS.list()).objects.length]
const actors = async () => (await listDurableObjectIds(env.EXPORT_JOB)).length
let before: number[] = []
let actorsBefore = 0
beforeAll(async () => {
  before = await written()
  actorsBefore = await actors()
})
afterEach(async () => {
  expect(await written()).toEqual(before)
})
// Only once: their list comes from the disk, and has the actors of all files that ran before in this runtime.
afterAll(async () => {
  expect(await actors()).toBe(actorsBefore)
})

const longText = 'x'.repeat(2000)

/** The change to a valid body, and the pointer to be named. */
const WRONG_FIELDS: [string, Record<string, unknown>, string][] = [
  ['no project', { project_id: undefined }, '/project_id'],
  ['project 0', { project_id: 0 }, '/project_id'],
  ['project -1', { project_id: -1 }, '/project_id'],
  ['project 1.5', { project_id: 1.5 }, '/project_id'],
  ['project as text', { project_id: '1' }, '/project_id'],
  ['project null', { project_id: null }, '/project_id'],
  ['project beyond integers', { project_id: 2 ** 60 }, '/project_id'],
  ['no type', { type: undefined }, '/type'],
  ['empty type', { type: '' }, '/type'],
  ['unknown type', { type: 'explode' }, '/type'],
  ['a type every object has', { type: 'toString' }, '/type'],
  ['type as list', { type: ['overlay'] }, '/type'],
  ['no input', { input_video_key: undefined }, '/input_video_key'],
  ['input as number', { input_video_key: 5 }, '/input_video_key'],
  ['input elsewhere', { input_video_key: 'output/a/clip.mp4' }, '/input_video_key'],
  ['input absolute', { input_video_key: '/input/a.mp4' }, '/input_video_key'],
  ['input is a URL', { input_video_key: 'https://example.com/a.mp4' }, '/input_video_key'],
  ['input climbs', { input_video_key: 'input/../output/a.mp4' }, '/input_video_key'],
  ['input with dot', { input_video_key: 'input/./a.mp4' }, '/input_video_key'],
  ['input with empty part', { input_video_key: 'input//a.mp4' }, '/input_video_key'],
  ['input is a folder', { input_video_key: 'input/' }, '/input_video_key'],
  ['input with backslash', { input_video_key: 'input/..\\a.mp4' }, '/input_video_key'],
  ['input with NUL', { input_video_key: 'input/a\u0000.mp4' }, '/input_video_key'],
  ['input with line feed', { input_video_key: 'input/a\n.mp4' }, '/input_video_key'],
  ['input too long', { input_video_key: `input/${longText}` }, '/input_video_key'],
  ['input too long in bytes', { input_video_key: `input/${'é'.repeat(600)}` }, '/input_video_key'],
  ['params missing', { params: undefined }, '/params'],
  ['params null', { params: null }, '/params'],
  ['params a list', { params: [] }, '/params'],
  ['params text', { params: 'x' }, '/params'],
  ['unknown param', { params: { colour: 1 } }, '/params/colour'],
  ['inherited name as param', { params: { toString: 1 } }, '/params/toString'],
  ['metadata a list', { metadata: [1] }, '/metadata'],
  ['metadata too large', { metadata: { a: 'x'.repeat(5000) } }, '/metadata'],
  ['params too large', { params: { a: 'x'.repeat(66_000) } }, '/params'],
  ['tags as text', { tags: 'a' }, '/tags'],
  ['eleven tags', { tags: Array.from({ length: 11 }, String) }, '/tags'],
  ['an empty tag', { tags: ['ok', ''] }, '/tags/1'],
  ['a long tag', { tags: ['x'.repeat(129)] }, '/tags/0'],
  ['a tag with control characters', { tags: ['a\u0007'] }, '/tags/0'],
  ['policy a number', { policy: 5 }, '/policy'],
  ['policy a list', { policy: [] }, '/policy'],
  ['output a list', { params: { output: [] } }, '/params/output'],
  ['unknown limit', { policy: { attempts: 1 } }, '/policy/attempts'],
  ['too high a priority', { policy: { priority: 11 } }, '/policy/priority'],
  ['no GPU seconds', { policy: { max_gpu_seconds: 0 } }, '/policy/max_gpu_seconds'],
  ['GPU seconds in words', { policy: { max_gpu_seconds: '60' } }, '/policy/max_gpu_seconds'],
  ['half a priority', { policy: { priority: 0.5 } }, '/policy/priority'],
  ['an unknown endpoint', { policy: { endpoint: 'h100' } }, '/policy/endpoint'],
  ['an endpoint by address', { policy: { endpoint: 'https://runpod.test/v2/ep' } }, '/policy/endpoint'],
  ['no attempts', { policy: { max_attempts: 0 } }, '/policy/max_attempts'],
  ['too many attempts', { policy: { max_attempts: 11 } }, '/policy/max_attempts'],
  ['half an attempt', { policy: { max_attempts: 1.5 } }, '/policy/max_attempts'],
  ['no time in the queue', { policy: { queue_timeout_seconds: 0 } }, '/policy/queue_timeout_seconds'],
  ['stall for ever', { policy: { stall_timeout_seconds: 1e9 } }, '/policy/stall_timeout_seconds'],
  ['run for ever', { policy: { execution_timeout_seconds: 1e300 } }, '/policy/execution_timeout_seconds'],
  ['negative deadline', { policy: { deadline_seconds: -1 } }, '/policy/deadline_seconds'],
  ['retention as text', { policy: { retention_seconds: '7d' } }, '/policy/retention_seconds'],
  ['unknown field', { colour: 'red' }, '/colour'],
  ['field with a slash', { 'a/b~c': 1 }, '/a~1b~0c'],
  ['inherited name', { constructor: 1 }, '/constructor'],
  ['another inherited name', { hasOwnProperty: 1 }, '/hasOwnProperty'],
  ['id chosen by the client', { id: crypto.randomUUID() }, '/id'],
]

describe('POST /api/jobs refuses', () => {
  it.each(WRONG_FIELDS)('%s', async (_name, over, pointer) => {
    const problem = await problemOf(await post('/api/jobs', jobBody(over)), 400, 'validation_failed')
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
  })

  it('all faults of a body in one answer', async () => {
    const problem = await problemOf(await post('/api/jobs', { project_id: 0, type: 5, colour: 1 }), 400)
    const pointers = problem.errors?.map(({ pointer }) => pointer)
    expect(pointers).toEqual(['/project_id', '/type', '/params', '/colour', '/input_video_key'])
  })

  it.each([
    ['nothing', ''],
    ['white space', '  '],
    ['a word', 'hello'],
    ['half an object', '{"project_id": 1'],
    ['a trailing comma', '{"project_id": 1,}'],
    ['single quotes', "{'project_id': 1}"],
    ['NaN', '{"project_id": NaN}'],
    ['two documents', '{} {}'],
    ['a comment', '{/* */}'],
    ['a raw line feed in text', '{"a":"\n"}'],
    ['form data', 'project_id=1&type=overlay'],
    ['XML', '<job/>'],
  ])('%s instead of JSON, and says what is wrong', async (_name, body) => {
    const problem = await problemOf(await post('/api/jobs', body), 400, 'invalid_json')
    expect(problem.detail).toMatch(/^The body is not JSON: .{10,}\.$/s)
  })

  it.each([
    ['a list', '[]', ''],
    ['text', '"x"', ''],
    ['null', 'null', ''],
    ['a number', '5', ''],
    ['__proto__', '{"__proto__": {"admin": true}}', '/__proto__'],
    ['__proto__ deep inside', '{"metadata": {"a": [{"__proto__": 1}]}}', '/metadata/a/0/__proto__'],
    ['a number beyond a double', '{"project_id": 1e999}', '/project_id'],
    ['a whole number that loses digits', '{"metadata": {"order": 9007199254740993}}', '/metadata/order'],
    ['a negative one', '{"params": {"items": [{"x": -9007199254740992}]}}', '/params/items/0/x'],
    ['one with an exponent', '{"metadata": {"a": [1e16]}}', '/metadata/a/0'],
    ['a project that loses digits', '{"project_id": 9007199254740993}', '/project_id'],
    ['half a surrogate pair', '{"metadata": {"a": "\\ud800"}}', '/metadata/a'],
    ['endless nesting', `{"metadata": ${'[['.repeat(500)}${']]'.repeat(500)}}`, '/metadata/0'],
  ])('%s', async (_name, body, pointer) => {
    const problem = await problemOf(await post('/api/jobs', body), 400, 'validation_failed')
    expect(problem.errors?.[0]?.pointer).toMatch(new RegExp(`^${pointer}`))
  })

  it('bytes that are not UTF-8', async () => {
    const body = new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
    await problemOf(await api('/api/jobs', init), 400, 'invalid_json')
  })

  it('a body that ends within a character, which leaves nothing behind for the next one', async () => {
    const euro = [0xe2, 0x82, 0xac]
    const cut = new Uint8Array([0x7b, 0x22, ...euro.slice(0, 2)])
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: cut }
    await problemOf(await api('/api/jobs', init), 400, 'invalid_json')
    const problem = await problemOf(await post('/api/jobs', 'hello'), 400, 'invalid_json')
    expect(problem.detail).toContain('"hello"')
  })

  it('10 MB of JSON, whether its length is announced or not', async () => {
    const text = JSON.stringify(jobBody({ metadata: { a: 'x'.repeat(10_000_000) } }))
    const problem = await problemOf(await post('/api/jobs', text), 413, 'body_too_large')
    expect(problem.detail).toContain('262144')
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536).fill(32))
      },
    })
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: endless }
    await problemOf(await api('/api/jobs', init), 413, 'body_too_large')
    expect(sent).toBeLessThan(2_000_000)
  })

  it.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'json'])(
    'Content-Type %s',
    async (type) => {
      const body = new TextEncoder().encode(JSON.stringify(jobBody()))
      const init = { method: 'POST', body, headers: type ? { 'Content-Type': type } : {} }
      const response = await api('/api/jobs', init)
      expect(response.headers.get('Accept')).toBe('application/json')
      await problemOf(response, 415, 'unsupported_media_type')
    },
  )

  it('an encoded body', async () => {
    const response = await post('/api/jobs', '{}', { 'Content-Encoding': 'gzip' })
    await problemOf(response, 415, 'unsupported_encoding')
  })
})

const ID = '0192f000-0000-7000-8000-000000000000'

describe('addresses', () => {
  it.each([
    'GET /',
    'GET /api',
    'GET /api/job',
    'POST /api/jobs/x/y/z',
    `POST /api/jobs/${ID}/do/dance`,
    'GET /api/videos/upload',
    'GET /API/JOBS',
    'GET /api/jobs%2f1',
    'GET /..%2f..%2fetc/passwd',
  ])('%s is not there', async (line) => {
    const [method = '', path = ''] = line.split(' ')
    await problemOf(await api(path, { method }), 404, 'route_not_found')
  })

  it.each([
    ['DELETE /api/jobs', 'POST, GET, HEAD, OPTIONS'],
    ['PUT /api/jobs', 'POST, GET, HEAD, OPTIONS'],
    [`PATCH /api/jobs/${ID}`, 'GET, HEAD, DELETE, OPTIONS'],
    [`GET /api/jobs/${ID}/cancel`, 'POST, OPTIONS'],
    [`GET /api/jobs/${ID}/do/progress`, 'POST, OPTIONS'],
    ['GET /api/runpod/callback', 'POST, OPTIONS'],
    ['GET /api/videos/upload/input/a.mp4', 'PUT, OPTIONS'],
    ['POST /api/videos/download/input/a.mp4', 'GET, HEAD, OPTIONS'],
    ['POST /health', 'GET, HEAD, OPTIONS'],
  ])('%s is told which methods there are', async (line, allow) => {
    const [method = '', path = ''] = line.split(' ')
    const response = await api(path, { method })
    expect(response.headers.get('Allow')).toBe(allow)
    await problemOf(response, 405, 'method_not_allowed')
  })

  it.each([
    'x',
    '1',
    ID.toUpperCase().replace('F', 'G'),
    `${ID}%00`,
    '%2e%2e',
    '..%2f..',
    "1'--",
    'ü',
    'a'.repeat(3000),
  ])('job id %s is unknown without waking an actor', async (id) => {
    await problemOf(await api(`/api/jobs/${id}/events`), 404)
    await problemOf(await post(`/api/jobs/${id}/cancel`, {}), 404)
  })
})

it.each([undefined, '500'])(
  'a body that breaks off (of %s bytes) is no fault of the service',
  async (length) => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"project_id":')),
      pull: (controller) => controller.error(new Error('Network connection lost.')),
    })
    const headers = { 'Content-Type': 'application/json', ...(length && { 'Content-Length': length }) }
    const request = new Request('http://localhost/api/jobs', { method: 'POST', headers, body })
    await problemOf(await handle(request, bindings(), createExecutionContext()), 400, 'invalid_json')
  },
)

describe('POST /api/videos/upload-url refuses', () => {
  const good = { filename: 'clip.mp4', content_type: 'video/mp4', size_bytes: 1000 }
  it.each([
    ['no name', { filename: undefined }, '/filename'],
    ['an empty name', { filename: '' }, '/filename'],
    ['a long name', { filename: 'x'.repeat(256) }, '/filename'],
    ['NUL in the name', { filename: 'a\u0000.mp4' }, '/filename'],
    ['a text file', { content_type: 'text/html' }, '/content_type'],
    ['SVG', { content_type: 'image/svg+xml' }, '/content_type'],
    ['a type with a line feed', { content_type: 'video/mp4\r\nX: y' }, '/content_type'],
    ['no type', { content_type: undefined }, '/content_type'],
    ['no size', { size_bytes: undefined }, '/size_bytes'],
    ['an empty file', { size_bytes: 0 }, '/size_bytes'],
    ['a negative size', { size_bytes: -5 }, '/size_bytes'],
    ['half a byte', { size_bytes: 1.5 }, '/size_bytes'],
    ['size as text', { size_bytes: '5' }, '/size_bytes'],
    ['project 0', { project_id: 0 }, '/project_id'],
    ['a job that is none', { job_id: 'x' }, '/job_id'],
    ['an unknown field', { key: 'output/x' }, '/key'],
  ])('%s', async (_name, over, pointer) => {
    const response = await post('/api/videos/upload-url', { ...good, ...over })
    const problem = await problemOf(response, 400, 'validation_failed')
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
  })

  it('files that are too large, naming the limit', async () => {
    const all = await post('/api/videos/upload-url', { ...good, size_bytes: 5 * 1024 ** 3 + 1 })
    expect((await problemOf(all, 413, 'upload_too_large')).detail).toContain('5368709120')
  })
})
