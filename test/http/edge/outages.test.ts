/** The answers when D1 or an actor is unavailable: clients are told to retry, and no operation is left incomplete. */
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import type { Env } from '../../../src/env.ts'
import { mayRetry } from '../../../src/stubs.ts'
import type { Health } from '../../../wire/service.ts'
import {
  api,
  apiWith,
  bindings,
  bodyOf,
  type Created,
  countRows,
  createJob,
  freshProject,
  jobBody,
  post,
  problemOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'

useHttpWorld()

/** A D1 in which the statements selected by `refuses` fail, alone and in a batch. */
function d1(refuses: (sql: string) => boolean): D1Database {
  const fail = async () => {
    throw new Error('D1_ERROR: Network connection lost.')
  }
  const refused = { bind: () => refused, run: fail, first: fail, all: fail }
  return new Proxy(env.DB, {
    get: (db, name) => {
      if (name === 'prepare') return (sql: string) => (refuses(sql) ? refused : db.prepare(sql))
      if (name === 'batch') {
        return (statements: D1PreparedStatement[]) =>
          statements.some((each) => Object.is(each, refused)) ? fail() : db.batch(statements)
      }
      return Reflect.get(db, name)
    },
  })
}

/** Actors whose first `failures.length` calls fail in this way. */
function actors(failures: unknown[]): { namespace: Env['EXPORT_JOB']; stubs: () => number } {
  let stubs = 0
  const namespace = new Proxy(bindings().EXPORT_JOB, {
    get: (real, name) => {
      if (name !== 'getByName') return Reflect.get(real, name)
      return (id: string) => {
        stubs += 1
        if (failures.length === 0) return real.getByName(id)
        const failure = failures.shift()
        return new Proxy({}, { get: () => () => Promise.reject(failure) })
      }
    },
  })
  return { namespace, stubs: () => stubs }
}

const creation = (body: Record<string, unknown>, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

async function unavailable(response: Response, code: string): Promise<void> {
  expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0)
  await problemOf(response, 503, code)
}

/** A D1 in which one name is not known yet, as before a migration. */
function olderD1(name: string): D1Database {
  return new Proxy(env.DB, {
    get: (db, property) => {
      if (property === 'prepare') return (sql: string) => db.prepare(sql.replaceAll(name, 'not_yet'))
      const value = Reflect.get(db, property)
      return typeof value === 'function' ? value.bind(db) : value
    },
  })
}

describe('while a migration of D1 is not applied', () => {
  it.each(['export_jobs', 'outcome'])('without %s the answers say so, and not to try again', async (name) => {
    const over = { DB: olderD1(name) }
    const created = await problemOf(
      await apiWith(over, '/api/jobs', creation(jobBody())),
      503,
      'list_unavailable',
    )
    const listed = await problemOf(await apiWith(over, '/api/jobs'), 503, 'list_unavailable')
    const deep = await (await apiWith(over, '/health?deep=1')).json<Health>()
    for (const detail of [created.detail, listed.detail, deep.checks?.d1.detail])
      expect(detail).toMatch(/lacks a migration: npm run deploy/)
  })
})

describe('while D1 refuses', () => {
  it('nothing is accepted, and no actor learns of it', async () => {
    const { namespace, stubs } = actors([])
    const rows = await countRows()
    const over = { DB: d1(() => true), EXPORT_JOB: namespace }
    await unavailable(await apiWith(over, '/api/jobs', creation(jobBody())), 'list_unavailable')
    expect([stubs(), await countRows()]).toEqual([0, rows])
  })

  it('the list says so; a live job is still shown, reported on, cancelled', async () => {
    const { job_id } = await createJob()
    const over = { DB: d1(() => true) }
    await unavailable(await apiWith(over, '/api/jobs'), 'list_unavailable')
    expect((await apiWith(over, `/api/jobs/${job_id}`)).status).toBe(200)
    expect((await apiWith(over, `/api/jobs/${job_id}/cancel`, { method: 'POST' })).status).toBe(200)
  })

  it('a job that may be retired is not called missing', async () => {
    const over = { DB: d1(() => true) }
    await unavailable(
      await apiWith(over, `/api/jobs/${crypto.randomUUID().replace(/^(.{14})./, '$17')}`),
      'list_unavailable',
    )
  })

  it('a delete is not called done while its row is listed, and can be repeated', async () => {
    const { job_id } = await createJob()
    await post(`/api/jobs/${job_id}/cancel`, {})
    const over = { DB: d1((sql) => sql.startsWith('UPDATE export_jobs SET status')) }
    await unavailable(await apiWith(over, `/api/jobs/${job_id}`, { method: 'DELETE' }), 'list_unavailable')
    expect((await api(`/api/jobs/${job_id}`, { method: 'DELETE' })).status).toBe(200)
  })
})

describe('while the actor cannot be reached', () => {
  it('a create is refused, and its repeat makes the one job', async () => {
    const { namespace } = actors([new Error('The actor is away.')])
    const project_id = freshProject()
    const init = () => creation(jobBody({ project_id }), { 'Idempotency-Key': 'k' })
    await unavailable(await apiWith({ EXPORT_JOB: namespace }, '/api/jobs', init()), 'job_unavailable')
    const { job_id } = await bodyOf<Created>(await api('/api/jobs', init()), 201)
    const { jobs } = await bodyOf<{ jobs: { id: string }[] }>(await api(`/api/jobs?project_id=${project_id}`))
    expect(jobs.map(({ id }) => id)).toEqual([job_id])
  })

  it('what the platform calls retryable is tried again on a fresh stub, three times in all', async () => {
    const { job_id } = await createJob()
    const lost = () => Object.assign(new Error('Network connection lost.'), { retryable: true })
    const twice = actors([lost(), lost()])
    expect((await apiWith({ EXPORT_JOB: twice.namespace }, `/api/jobs/${job_id}`)).status).toBe(200)
    expect(twice.stubs()).toBe(3)
    const always = actors([lost(), lost(), lost(), lost()])
    await unavailable(
      await apiWith({ EXPORT_JOB: always.namespace }, `/api/jobs/${job_id}`),
      'job_unavailable',
    )
    expect(always.stubs()).toBe(3)
  })

  it.each([
    [{ retryable: true }, true],
    [{ retryable: true, overloaded: false }, true],
    [{ retryable: true, overloaded: true }, false],
    [{ retryable: false }, false],
    [{ overloaded: true }, false],
    [{ retryable: 'true' }, false],
    [{}, false],
    [null, false],
    ['lost', false],
  ])('an error with %j may be retried: %s', (error, expected) => {
    expect(mayRetry(error)).toBe(expected)
  })

  it('an overloaded actor is left alone', async () => {
    const { namespace, stubs } = actors([
      Object.assign(new Error('overloaded'), { retryable: true, overloaded: true }),
    ])
    await unavailable(
      await apiWith({ EXPORT_JOB: namespace }, '/api/jobs/0192f000-0000-7000-8000-000000000000'),
      'job_unavailable',
    )
    expect(stubs()).toBe(1)
  })

  it('a watcher gets a status that makes it come back', async () => {
    const { namespace } = actors([new Error('away')])
    const init = { headers: { Upgrade: 'websocket' } }
    const path = '/api/jobs/0192f000-0000-7000-8000-000000000000/ws'
    await unavailable(await apiWith({ EXPORT_JOB: namespace }, path, init), 'job_unavailable')
    expect(vi.isFakeTimers()).toBe(true)
  })
})
