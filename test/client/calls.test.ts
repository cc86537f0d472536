import { afterEach, beforeEach, expect, test } from 'vitest'
import { createExports, ExportalConnectionError, ExportalError, type Timings } from '../../client/index.ts'
import { FakeServer, json, problem } from '../support/node/client/fake-server.ts'
import { aJob, quick } from '../support/node/client/samples.ts'

let server: FakeServer

beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(() => server.stop())

const client = (timings: Partial<Timings> = {}) =>
  createExports({ baseUrl: `${server.url}/`, token: 'secret', timings: { ...quick, ...timings } })

const input = { project_id: 1, type: 'overlay', input_video_key: 'input/1/clip.mp4' } as const

/** Creates at most one job per key, as the service does. */
function creating(fail: (tried: number) => 'answer' | 'lose' | [number, Record<string, string>]) {
  const made = new Map<string, string>()
  let tried = 0
  server.intercept = (request, response) => {
    if (request.method !== 'POST' || request.path !== '/api/jobs') return false
    const how = fail(++tried)
    if (Array.isArray(how)) {
      problem(response, how[0], 'unavailable', how[1])
      return true
    }
    const key = String(request.headers['idempotency-key'])
    const id = made.get(key) ?? `job-${made.size + 1}`
    made.set(key, id)
    if (how === 'lose') response.destroy()
    else json(response, 201, { job_id: id, status: 'pending', websocket_url: 'ws', job: aJob({ id }) })
    return true
  }
  return made
}

test('create sends the token, the params and a key, and answers the body of the 201', async () => {
  creating(() => 'answer')
  const created = await client().jobs.create({ ...input, type: 'trim', params: { end_seconds: 3 } })
  expect(created).toMatchObject({ job_id: 'job-1', status: 'pending', job: { id: 'job-1' } })
  const [request] = server.requests
  expect(request?.headers).toMatchObject({
    authorization: 'Bearer secret',
    'content-type': 'application/json',
    'idempotency-key': expect.stringMatching(/^[0-9a-f]{32}$/),
  })
  expect(JSON.parse(request?.body ?? '')).toEqual({ ...input, type: 'trim', params: { end_seconds: 3 } })
})

test('params may be left out where they may be empty', async () => {
  creating(() => 'answer')
  await client().jobs.create(input)
  expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({ ...input, params: {} })
})

test('create repeated after a lost answer uses the same key, and so makes one job', async () => {
  const made = creating((tried) => (tried < 3 ? 'lose' : 'answer'))
  expect(await client().jobs.create(input)).toMatchObject({ job_id: 'job-1' })
  expect(server.requests).toHaveLength(3)
  expect(made.size).toBe(1)
})

test('two creates are two jobs, and a key of the caller is used as it is', async () => {
  const made = creating(() => 'answer')
  await client().jobs.create(input)
  await client().jobs.create(input)
  await client().jobs.create(input, { idempotencyKey: 'mine' })
  expect([...made.keys()].at(-1)).toBe('mine')
  expect(made.size).toBe(3)
})

test.each([429, 500, 502, 503, 504])('%i is repeated', async (status) => {
  creating((tried) => (tried === 1 ? [status, { 'retry-after': '0' }] : 'answer'))
  expect(await client().jobs.create(input)).toMatchObject({ job_id: 'job-1' })
  expect(server.requests).toHaveLength(2)
})

test('409 is repeated only where the service says when', async () => {
  creating((tried) => [409, tried === 1 ? { 'retry-after': '0' } : {}])
  await expect(client().jobs.create(input)).rejects.toMatchObject({ status: 409 })
  expect(server.requests).toHaveLength(2)
})

test('503 is repeated after its Retry-After', async () => {
  creating((tried) => (tried === 1 ? [503, { 'retry-after': '1' }] : 'answer'))
  const startedAt = performance.now()
  await client().jobs.create(input)
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990)
})

test('a Retry-After beyond patience is the caller’s to wait for', async () => {
  creating(() => [503, { 'retry-after': '3600' }])
  await expect(client().jobs.create(input)).rejects.toMatchObject({ status: 503, retryAfterMs: 3_600_000 })
  expect(server.requests).toHaveLength(1)
})

test('Retry-After may be a date', async () => {
  creating(() => [429, { 'retry-after': new Date(Date.now() + 600_000).toUTCString() }])
  const error = await client()
    .jobs.create(input)
    .catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ExportalError)
  expect((error as ExportalError).retryAfterMs).toBeGreaterThan(590_000)
})

test('it gives up after four tries, with the cause', async () => {
  creating(() => 'lose')
  const error = await client()
    .jobs.create(input)
    .catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ExportalConnectionError)
  expect(error).toMatchObject({ message: 'POST /api/jobs got no answer', cause: expect.any(TypeError) })
  expect(server.requests).toHaveLength(4)
})

test('a problem becomes a typed error, and is not repeated', async () => {
  server.intercept = (_, response) => {
    const errors = [{ pointer: '/params/items/0/text', detail: 'This must not be empty.' }]
    response.writeHead(422, { 'content-type': 'application/problem+json', 'x-request-id': 'req-9' })
    response.end(JSON.stringify({ status: 422, code: 'validation_failed', detail: 'No text.', errors }))
    return true
  }
  const error = await client()
    .jobs.create(input)
    .catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ExportalError)
  expect(error).toMatchObject({
    status: 422,
    code: 'validation_failed',
    detail: 'No text.',
    message: 'No text. (422 validation_failed)',
    errors: [{ pointer: '/params/items/0/text', detail: 'This must not be empty.' }],
    requestId: 'req-9',
    retryAfterMs: undefined,
  })
  expect(server.requests).toHaveLength(1)
})

test('a page of a proxy instead of a problem is typed as well', async () => {
  server.intercept = (_, response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>nginx</h1>')
    return true
  }
  await expect(client().jobs.get('job-1')).rejects.toMatchObject({
    name: 'ExportalError',
    status: 404,
    code: 'http_404',
    detail: 'The service answered 404',
  })
})

test('a good status without JSON is no answer', async () => {
  server.intercept = (_, response) => {
    response.writeHead(200).end('<h1>log in</h1>')
    return true
  }
  await expect(client().health()).rejects.toBeInstanceOf(ExportalConnectionError)
})

test('a request that hangs is given up, and an aborted one ends with the reason', async () => {
  server.intercept = () => true
  await expect(client({ requestTimeoutMs: 20, retryBaseMs: 1 }).jobs.get('job-1')).rejects.toMatchObject({
    name: 'ExportalConnectionError',
    cause: { message: 'Timed out' },
  })
  const controller = new AbortController()
  const asked = client().jobs.get('job-1', { signal: controller.signal })
  const before = server.requests.length
  await server.until(() => server.requests.length > before)
  controller.abort(new Error('enough'))
  await expect(asked).rejects.toThrow('enough')
})

test.each(['', '.', '..'])('an id of "%s" asks for no job, and not for the list', async (id) => {
  const { jobs } = client()
  const calls = [jobs.get(id), jobs.delete(id), jobs.cancel(id), jobs.events(id), jobs.watch(id).done]
  for (const call of calls) await expect(call).rejects.toBeInstanceOf(TypeError)
  expect(server.requests).toEqual([])
})

test('null in a query is left out', async () => {
  server.intercept = (_, response) => {
    json(response, 200, { jobs: [], next_cursor: null })
    return true
  }
  await client().jobs.list({ cursor: null as never, limit: 5 })
  expect(server.requests.map(({ query }) => query.toString())).toEqual(['limit=5'])
})

test('list sends its filters, and listAll walks every page', async () => {
  const pages: Record<string, [string[], string | null]> = {
    '': [['a', 'b'], 'p2'],
    p2: [[], 'p3'],
    p3: [['c'], null],
  }
  server.intercept = ({ query }, response) => {
    const [ids, next_cursor] = pages[query.get('cursor') ?? ''] ?? [[], null]
    json(response, 200, { jobs: ids.map((id) => aJob({ id })), next_cursor })
    return true
  }
  const query = { project_id: 7, status: 'complete', limit: 2 } as const
  expect(await client().jobs.list(query)).toMatchObject({ next_cursor: 'p2' })
  const found: string[] = []
  for await (const job of client().jobs.listAll(query)) found.push(job.id)
  expect(found).toEqual(['a', 'b', 'c'])
  expect(server.requests.map(({ query }) => query.toString())).toEqual([
    'project_id=7&status=complete&limit=2',
    'project_id=7&status=complete&limit=2',
    'project_id=7&status=complete&limit=2&cursor=p2',
    'project_id=7&status=complete&limit=2&cursor=p3',
  ])
})

test('a list is asked for several statuses, a tag, a code and dates', async () => {
  server.intercept = (_, response) => {
    json(response, 200, { jobs: [], next_cursor: null })
    return true
  }
  await client().jobs.list({
    status: ['error', 'cancelled'],
    tag: 'spring',
    error_code: 'stalled',
    created_after: '2026-01-01T00:00:00+01:00',
  })
  expect(server.requests[0]?.query.toString()).toBe(
    'status=error&status=cancelled&tag=spring&error_code=stalled&created_after=2026-01-01T00%3A00%3A00%2B01%3A00',
  )
})

test.each([
  ['the same page again', ['p2', 'p2']],
  ['a circle', ['p2', 'p3', 'p2']],
])('listAll ends with an error where the list is %s', async (_, cursors) => {
  server.intercept = (_, response) => {
    json(response, 200, { jobs: [aJob()], next_cursor: cursors[server.requests.length - 1] ?? 'p2' })
    return true
  }
  let found = 0
  const walk = async () => {
    for await (const _ of client().jobs.listAll()) if (++found > 9) return
  }
  await expect(walk()).rejects.toMatchObject({ name: 'ExportalError', code: 'cursor_repeated' })
  expect(found).toBe(cursors.length)
})

test('a token is asked for, and a message sent once more', async () => {
  server.intercept = ({ path }, response) => {
    const token = {
      token: 't',
      expires_at: '2026-01-01T00:00:00Z',
      scope: 'jobs:read',
      project_id: 1,
      job_id: null,
    }
    json(response, 200, path === '/api/tokens' ? token : aJob({ id: 'a' }))
    return true
  }
  expect((await client().createToken({ scope: 'jobs:read', ttl_seconds: 60 })).token).toBe('t')
  expect((await client().jobs.redeliver('a', 'msg_1/2')).id).toBe('a')
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /api/tokens',
    'POST /api/jobs/a/webhooks/msg_1%2F2/redeliver',
  ])
})

test('get, events, cancel and retry speak to their routes', async () => {
  const { id } = server.add({}, 3)
  expect((await client().jobs.get(id)).id).toBe(id)
  expect((await client().jobs.events(id, { after: 1 })).events.map(({ seq }) => seq)).toEqual([2, 3])
  server.intercept = ({ path }, response) => {
    json(
      response,
      202,
      path.endsWith('/cancel') ? aJob({ status: 'cancelling' }) : { job: aJob({ round: 2 }) },
    )
    return true
  }
  expect((await client().jobs.cancel('a/b')).status).toBe('cancelling')
  expect((await client().jobs.retry('a/b')).round).toBe(2)
  expect(server.requests.slice(-2).map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /api/jobs/a%2Fb/cancel',
    'POST /api/jobs/a%2Fb/retry',
  ])
})

test('a delete whose answer was lost finds the job gone, and is done', async () => {
  let tried = 0
  server.intercept = (_, response) => {
    if (++tried === 1) response.destroy()
    else problem(response, 404, 'job_not_found')
    return true
  }
  expect(await client().jobs.delete('job-1')).toEqual({ success: true })
  await expect(client().jobs.delete('job-1')).rejects.toMatchObject({ status: 404 })
})

test('job types, health, and paths as URLs', async () => {
  server.intercept = ({ path }, response) => {
    json(response, 200, path === '/health' ? { status: 'ok', env: 'test' } : { types: [{ name: 'trim' }] })
    return true
  }
  expect(await client().jobTypes()).toEqual([{ name: 'trim' }])
  expect(await client().health({ deep: true })).toEqual({ status: 'ok', env: 'test' })
  expect(server.requests.at(-1)?.query.get('deep')).toBe('1')
  expect(client().absolute('/api/x?y=1')).toBe(`${server.url}/api/x?y=1`)
  expect(client().absolute('https://r2.test/x')).toBe('https://r2.test/x')
})

test('a degraded health is an answer; a service that is not set up is an error', async () => {
  server.intercept = (_, response) => {
    json(response, 503, { status: 'degraded', env: 'test' })
    return true
  }
  expect(await client().health({ deep: true })).toEqual({ status: 'degraded', env: 'test' })
  expect(server.requests).toHaveLength(1)
  server.intercept = (_, response) => {
    problem(response, 503, 'not_configured')
    return true
  }
  await expect(client().health()).rejects.toMatchObject({ code: 'not_configured' })
})

test('a service mounted below a path is reached there', async () => {
  server.intercept = (_, response) => {
    json(response, 200, { status: 'ok', env: 'test' })
    return true
  }
  const exportal = createExports({ baseUrl: `${server.url}/exports/` })
  await exportal.health()
  expect(server.requests[0]?.path).toBe('/exports/health')
  expect(exportal.absolute('/api/x')).toBe(`${server.url}/exports/api/x`)
})
