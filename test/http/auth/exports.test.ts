/** The entrypoint for Workers of the same account: access by RPC, and that its answers equal those of HTTP. */
import { exports } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { Answer, ExportsBinding, ExportsProps } from '../../../wire/exports.ts'
import { COLUMNS, type Column, EXPECTED } from '../../support/workerd/access-table.ts'
import { outcomeOf } from '../../support/workerd/answers.ts'
import { api, bodyOf, createJob, jobBody, ring, useHttpWorld } from '../../support/workerd/http.ts'
import { PROJECT, prepare, type Ready } from '../../support/workerd/operations.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

const world = useHttpWorld()

/** The binding in another Worker's `env`. */
type Door = ExportsBinding & Pick<Fetcher, 'fetch'>

function door(props?: unknown): Door {
  return exports.Exports({ props }) as unknown as Door
}

const all: ExportsProps = { project_id: PROJECT, scopes: ['jobs:read', 'jobs:write'] }

type Call = (door: Door, ready: Ready) => Promise<number>

const status = async (answer: Promise<Answer<unknown>>) => {
  const its = await answer
  return its.ok ? 200 : its.status
}
const idOf = ({ params }: Ready) => params.id ?? ''

/** Each operation of the entrypoint, by the equivalent route. */
const CALLS: Record<string, Call> = {
  'POST /api/jobs': (exports, { body }) => status(exports.create(body as Parameters<Door['create']>[0])),
  'GET /api/jobs': (exports) => status(exports.list({ project_id: PROJECT })),
  'GET /api/jobs/:id': (exports, ready) => status(exports.get(idOf(ready))),
  'DELETE /api/jobs/:id': (exports, ready) => status(exports.remove(idOf(ready))),
  'POST /api/jobs/:id/cancel': (exports, ready) => status(exports.cancel(idOf(ready))),
  'POST /api/jobs/:id/retry': (exports, ready) => status(exports.retry(idOf(ready))),
  'GET /api/jobs/:id/events': (exports, ready) => status(exports.events(idOf(ready))),
  'GET /api/jobs/:id/ws': async (exports, ready) => {
    const init = { headers: { Upgrade: 'websocket' } }
    return outcomeOf(await exports.fetch(`https://exports/api/jobs/${idOf(ready)}/ws`, init))
  },
}

/** The invalid props of a column; columns that only apply to tokens have none. */
const WRONG: Partial<Record<Column, unknown>> = {
  none: undefined,
  scope: { ...all, scopes: ['videos:write'] },
  project: { ...all, project_id: 2 },
  right: all,
}

describe.each(Object.entries(CALLS))('%s by RPC', (route, call) => {
  const row = EXPECTED[route]?.split(' ') ?? []
  const cells = COLUMNS.flatMap((column, i) => (column in WRONG ? [[column, Number(row[i])] as const] : []))

  it.each(cells)('%s: %s, as by HTTP', async (column, expected) => {
    const ready = await prepare(route, world.runs)
    const outcome = await call(door(WRONG[column]), ready)
    expect(outcome).toBe(expected < 300 && expected !== 101 ? 200 : expected)
  })
})

describe('no entry', () => {
  it.each([
    ['without props', undefined],
    ['with empty ones', {}],
    ['without a project', { scopes: ['admin'] }],
    ['with a project that is none', { project_id: '7', scopes: ['admin'] }],
    ['with a scope that there is not', { project_id: 7, scopes: ['jobs:all'] }],
    ['with a field that is not known', { ...all, projects: [7] }],
  ])('%s', async (_, props) => {
    expect(await door(props).list()).toMatchObject({ ok: false, status: 401, code: 'unauthorized' })
  })

  it('to anything but a watch by fetch', async () => {
    expect((await door(all).fetch('https://exports/api/jobs')).status).toBe(404)
    expect((await door(all).fetch('https://exports/health')).status).toBe(404)
    const { job_id } = await createJob()
    expect((await door(all).fetch(`https://exports/api/jobs/${job_id}/ws`)).status).toBe(426)
  })
})

describe('the same answers as over HTTP', () => {
  it('to an upgrade of a browser that is passed on: the subprotocol it offers is selected', async () => {
    const { job_id } = await createJob()
    const selected = async (id: string, offered: string) => {
      const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': offered }
      const response = await door(all).fetch(`https://exports/api/jobs/${id}/ws`, { headers })
      response.webSocket?.accept()
      response.webSocket?.close()
      return [response.status, response.headers.get('Sec-WebSocket-Protocol')]
    }
    expect(await selected(job_id, 'exportal.v1, exportal.bearer.x')).toEqual([101, 'exportal.v1'])
    expect(await selected(crypto.randomUUID(), 'exportal.v1')).toEqual([101, 'exportal.v1'])
    expect(await selected(job_id, 'other')).toEqual([101, null])
  })

  it('to create, get, list, cancel, retry, events and remove', async () => {
    const exports = door(all)
    const headers = bearer(await tokenOf({ scopes: all.scopes, projectId: PROJECT }))
    const http = async (path: string, init: RequestInit = {}) =>
      bodyOf<unknown>(await api(path, { ...init, headers }))

    const created = given(await exports.create(newJob(), { idempotencyKey: 'k' }))
    const again = await api('/api/jobs', {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', 'Idempotency-Key': 'k' },
      body: JSON.stringify(newJob()),
    })
    expect(again.headers.get('Idempotent-Replayed')).toBe('true')
    const byHttp = await bodyOf<typeof created>(again, 201)
    expect({ ...created, websocket_url: '' }).toEqual({ ...byHttp, websocket_url: '' })
    expect(created.websocket_url).toContain('?token=')

    const id = created.job_id
    expect(given(await exports.get(id))).toEqual(await http(`/api/jobs/${id}`))
    expect(given(await exports.list({ status: ['pending', 'queued'], limit: 1 }))).toEqual(
      await http('/api/jobs?status=pending&status=queued&limit=1'),
    )
    expect(given(await exports.cancel(id))).toEqual(await http(`/api/jobs/${id}/cancel`, { method: 'POST' }))
    expect(given(await exports.events(id, { after: 1, limit: 1 }))).toEqual(
      await http(`/api/jobs/${id}/events?after=1&limit=1`),
    )
    const log = given(await exports.events(id))
    expect(log.events.find(({ type }) => type === 'cancel_requested')?.data).toMatchObject({ by: 'binding' })
    await ring(id)
    expect(given(await exports.retry(id)).round).toBe(2)
    await exports.cancel(id)
    await ring(id)
    expect(given(await exports.remove(id))).toEqual({ success: true })
    expect(await exports.get(id)).toMatchObject({ ok: false, status: 404, code: 'job_not_found' })
  })

  it('to what is wrong, as a value with the code of the problem', async () => {
    const exports = door({ ...all, name: 'shop' })
    expect(await exports.create({ ...newJob(), type: 'rotate' } as never)).toMatchObject({
      ok: false,
      status: 400,
      code: 'validation_failed',
      errors: [{ pointer: '/type' }],
    })
    expect(await exports.create({ ...newJob(), metadata: { n: 2 ** 60 } } as never)).toMatchObject({
      errors: [{ pointer: '/metadata/n' }],
    })
    expect(await exports.create(7n as never)).toMatchObject({ status: 400, code: 'invalid_json' })
    expect(await exports.create({ ...newJob(), metadata: { x: 'x'.repeat(300_000) } })).toMatchObject({
      status: 413,
    })
    expect(await exports.create({ ...newJob(), project_id: 2 })).toMatchObject({ code: 'project_forbidden' })
    expect(await exports.list({ limit: -1 })).toMatchObject({ errors: [{ pointer: '/query/limit' }] })
    expect(await exports.get('no id')).toMatchObject({ code: 'job_not_found', retry_after_seconds: null })
    const { job_id } = await createJob()
    expect(await exports.retry(job_id)).toMatchObject({ status: 409 })
    expect(await exports.remove(job_id, { ifMatch: '"other"' })).toMatchObject({ status: 412 })
  })

  it('also where the calling Worker is written without types', async () => {
    const exports = door(all) as unknown as Record<string, (...given: unknown[]) => Promise<Answer<unknown>>>
    const { job_id } = await createJob({ project_id: PROJECT })
    const call = (name: string, ...given: unknown[]) => exports[name]?.(...given)
    const wrong: [Promise<Answer<unknown>> | undefined, string][] = [
      [call('create', newJob(), { idempotencyKey: { order: 7 } }), '/options/idempotencyKey'],
      [call('create', newJob(), { idempotencyKey: 7 }), '/options/idempotencyKey'],
      [call('create', newJob(), { idempotency_key: 'k' }), '/options/idempotency_key'],
      [call('create', newJob(), 'k'), '/options'],
      [call('retry', job_id, { ifMatch: 1 }), '/options/ifMatch'],
      [call('remove', job_id, { ifMatch: {} }), '/options/ifMatch'],
      [call('remove', job_id, ['"tag"']), '/options'],
      [call('list', 'status=error'), '/query'],
      [call('events', job_id, 5), '/query'],
      // JSON has no form for these, and would store null or {} in their place.
      [call('create', { ...newJob(), metadata: { ratio: Number.NaN } }), '/metadata/ratio'],
      [call('create', { ...newJob(), metadata: { in: [Number.NEGATIVE_INFINITY] } }), '/metadata/in/0'],
      [call('create', { ...newJob(), metadata: new Map([['order', 7]]) }), '/metadata'],
      [call('create', { ...newJob(), metadata: { orders: new Set([7]) } }), '/metadata/orders'],
    ]
    for (const [answer, pointer] of wrong)
      expect(await answer).toMatchObject({ ok: false, code: 'validation_failed', errors: [{ pointer }] })
    expect(await call('list', null)).toMatchObject({ ok: true })
    expect(await call('list', { cursor: null, limit: 1 })).toMatchObject({ ok: true })
    expect(await call('events', job_id, null)).toMatchObject({ ok: true })
    expect(await call('create', newJob(), null)).toMatchObject({ ok: true })
    const made = await call('create', { ...newJob(), metadata: { at: new Date(0), left: undefined } })
    expect(made).toMatchObject({ ok: true, value: { job: { metadata: { at: '1970-01-01T00:00:00.000Z' } } } })
    expect(await call('create', { ...newJob(), metadata: { order: 7n } })).toMatchObject({
      code: 'invalid_json',
    })
    expect(await call('create', newJob(), { idempotencyKey: null })).toMatchObject({ ok: true })
    expect(await call('retry', job_id, null)).toMatchObject({ status: 409 })
    expect(await call('remove', job_id, { ifMatch: null })).toMatchObject({ ok: true })
  })

  it('logs a line for each call, without what was sent', async () => {
    await door(all).list({ tag: 'secret-tag' })
    const line = world.logs.find((text) => text.includes('Exports.list')) ?? '{}'
    expect(JSON.parse(line)).toMatchObject({
      at: 'request',
      method: 'RPC',
      route: 'Exports.list',
      status: 200,
    })
    expect(line).not.toContain('secret-tag')
  })
})

function newJob() {
  return jobBody() as unknown as Parameters<Door['create']>[0]
}

function given<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(`${answer.status} ${answer.code}: ${answer.detail}`)
  return answer.value
}
