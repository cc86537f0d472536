/** 429: the rate limit of a token, and the limit of unfinished jobs of a project. */
import { describe, expect, it, vi } from 'vitest'
import { withPlace } from '../../../src/d1/places.ts'
import { sweep } from '../../../src/d1/sweep.ts'
import { MINUTE } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  bindings,
  bodyOf,
  type Created,
  dispatchedJob,
  freshProject,
  jobBody,
  ORIGIN,
  pathOf,
  problemOf,
  ring,
  useHttpWorld,
  WITHOUT_ACTORS,
} from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

const world = useHttpWorld()

/** Allows each key this many times, as Cloudflare's binding does. */
class Limiter {
  readonly seen = new Map<string, number>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  async limit({ key }: { key: string }): Promise<{ success: boolean }> {
    const count = (this.seen.get(key) ?? 0) + 1
    this.seen.set(key, count)
    return { success: count <= this.#most }
  }
}

const limited = (most: number) => ({
  RATE_LIMIT: new Limiter(most),
  RATE_LIMIT_REQUESTS: '100',
  RATE_LIMIT_SECONDS: '10',
})

describe('The rate limit', () => {
  it('refuses one call too many with 429, Retry-After and the RateLimit headers', async () => {
    const env = limited(2)
    const headers = bearer(await tokenOf())
    for (let i = 0; i < 2; i++) expect((await apiWith(env, '/api/jobs', { headers })).status).toBe(200)
    const refused = await apiWith(env, '/api/jobs', { headers })
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      'retry-after': '10',
      ratelimit: '"token";r=0;t=10',
      'ratelimit-policy': '"token";q=100;w=10',
    })
    await problemOf(refused, 429, 'rate_limited')
  })

  it('says what wrangler.toml sets when nothing else is said', async () => {
    const env = { RATE_LIMIT: new Limiter(0) }
    const refused = await apiWith(env, '/api/jobs', { headers: bearer(await tokenOf()) })
    expect(refused.headers.get('Retry-After')).toBe('60')
    expect(refused.headers.get('RateLimit-Policy')).toBe('"token";q=600;w=60')
    await problemOf(refused, 429, 'rate_limited')
  })

  it('counts each caller and each project apart', async () => {
    const env = limited(1)
    const one = bearer(await tokenOf({ subject: 'one', projectId: 1 }))
    const other = bearer(await tokenOf({ subject: 'one', projectId: 2 }))
    expect((await apiWith(env, '/api/jobs', { headers: one })).status).toBe(200)
    expect((await apiWith(env, '/api/jobs', { headers: other })).status).toBe(200)
    expect((await apiWith(env, '/api/jobs', { headers: one })).status).toBe(429)
  })

  it('counts a wrong token against nobody', async () => {
    const env = limited(1)
    await problemOf(await apiWith(env, '/api/jobs', { headers: bearer('no-token-of-ours') }), 401)
    expect(env.RATE_LIMIT.seen.size).toBe(0)
  })

  it('never holds up what a worker reports or RunPod calls back', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const env = limited(0)
    const report = await apiWith(env, `/api/jobs/${id}/do/progress`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...bearer(run.input.callback_token) },
      body: '{"progress":5}',
    })
    expect(report.status).toBe(200)
    const callback = await apiWith(env, pathOf(run.webhook), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"id":"x-u1","status":"IN_PROGRESS"}',
    })
    expect(callback.status).toBe(200)
    expect(env.RATE_LIMIT.seen.size).toBe(0)
  })

  it('lets everybody pass when it fails itself', async () => {
    const RATE_LIMIT = {
      limit: async () => {
        throw new Error('out of order')
      },
    }
    const headers = bearer(await tokenOf())
    expect((await apiWith({ RATE_LIMIT }, '/api/jobs', { headers })).status).toBe(200)
    expect(world.logs.join('\n')).toContain('"at":"rate_limit"')
  })
})

describe('MAX_ACTIVE_JOBS_PER_PROJECT', () => {
  const env = { MAX_ACTIVE_JOBS_PER_PROJECT: '2' }
  const create = (project_id: number, headers: Record<string, string> = {}, over = {}) =>
    apiWith({ ...env, ...over }, '/api/jobs', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(jobBody({ project_id })),
    })

  it('refuses one job too many with 429 and Retry-After, until one has ended', async () => {
    const project = freshProject()
    const { job_id } = await bodyOf<Created>(await create(project), 201)
    await bodyOf(await create(project), 201)
    const refused = await create(project)
    expect(refused.headers.get('Retry-After')).toBe('30')
    const problem = await problemOf(refused, 429, 'too_many_active_jobs')
    expect(problem.detail).toContain('2 unfinished jobs')
    const list = await bodyOf<{ jobs: unknown[] }>(await api(`/api/jobs?project_id=${project}`))
    expect(list.jobs).toHaveLength(2)

    await api(`/api/jobs/${job_id}/cancel`, { method: 'POST' })
    await ring(job_id)
    await bodyOf(await create(project), 201)
  })

  it('is counted for each project, and not against a repeat', async () => {
    const project = freshProject()
    const key = { 'Idempotency-Key': 'again' }
    await bodyOf(await create(project, key), 201)
    await bodyOf(await create(project), 201)
    await bodyOf(await create(project, key), 201)
    await bodyOf(await create(freshProject()), 201)
  })

  it('holds when many ask at once', async () => {
    const project = freshProject()
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(project)))
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(2).fill(201), ...Array(8).fill(429)])
  })

  it('counts a job whose first request was interrupted when it is sent again', async () => {
    const project = freshProject()
    const key = { 'Idempotency-Key': 'interrupted' }
    const again = (over = {}) => create(project, key, over)
    expect((await again(WITHOUT_ACTORS)).status).toBe(503)
    vi.setSystemTime(Date.now() + 6 * MINUTE)
    await sweep(bindings(), Date.now())
    await bodyOf(await create(project), 201)
    const { job_id } = await bodyOf<Created>(await create(project), 201)
    await problemOf(await again(), 429, 'too_many_active_jobs')
    const { jobs } = await bodyOf<{ jobs: object[] }>(
      await api(`/api/jobs?project_id=${project}&status=error`),
    )
    expect(jobs).toMatchObject([{ error: { code: 'not_accepted' } }])
    await api(`/api/jobs/${job_id}/cancel`, { method: 'POST' })
    await ring(job_id)
    const answers = await Promise.all(Array.from({ length: 5 }, () => again()))
    const ids = await Promise.all(answers.map(async (each) => (await bodyOf<Created>(each, 201)).job_id))
    expect(new Set(ids).size).toBe(1)
    await problemOf(await create(project), 429, 'too_many_active_jobs')
  })

  describe('for a new round of an ended job', () => {
    const act = (path: string, body?: object) =>
      apiWith(env, path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Origin: ORIGIN },
        ...(body && { body: JSON.stringify(body) }),
      })
    const doors: [string, (id: string) => Promise<Response>][] = [
      ['a retry', (id) => act(`/api/jobs/${id}/retry`)],
      [
        'an operator’s retry',
        (id) => act(`/api/admin/jobs/${id}/actions`, { action: 'retry_now', reason: 'because' }),
      ],
    ]
    const statusOf = async (id: string) =>
      (await bindings().DB.prepare('SELECT status, due_at FROM export_jobs WHERE id = ?').bind(id).first()) ??
      {}

    /** A job that has ended according to the list, too. */
    async function cancelled(project: number): Promise<string> {
      const { job_id } = await bodyOf<Created>(await create(project), 201)
      await api(`/api/jobs/${job_id}/cancel`, { method: 'POST' })
      await ring(job_id)
      return job_id
    }

    it.each(doors)('%s takes one, or is refused as a new job is', async (_, again) => {
      const project = freshProject()
      const ended = [await cancelled(project), await cancelled(project), await cancelled(project)]
      const [first = '', second = '', third = ''] = ended
      expect((await again(first)).status).toBe(200)
      expect((await again(second)).status).toBe(200)
      const refused = await again(third)
      expect(refused.headers.get('Retry-After')).toBe('30')
      await problemOf(refused, 429, 'too_many_active_jobs')
      expect(await bodyOf(await api(`/api/jobs/${third}`))).toMatchObject({ status: 'cancelled', round: 1 })
      await problemOf(await create(project), 429, 'too_many_active_jobs')
      // A job under way already counts.
      expect((await again(first)).status).toBe(200)
    })

    it.each(doors)('%s keeps to the limit when many ask at once', async (_, again) => {
      const project = freshProject()
      const ended: string[] = []
      for (let i = 0; i < 6; i++) ended.push(await cancelled(project))
      const statuses = (await Promise.all(ended.map(again))).map(({ status }) => status)
      expect(statuses.sort()).toEqual([200, 200, 429, 429, 429, 429])
    })

    it.each(doors)('%s that is sent many times at once takes one, and each answers so', async (_, again) => {
      const project = freshProject()
      const id = await cancelled(project)
      await bodyOf(await create(project), 201)
      const answers = await Promise.all(Array.from({ length: 5 }, () => again(id)))
      expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200))
    })

    it('gives it back when the actor refuses', async () => {
      const id = await cancelled(freshProject())
      const before = await statusOf(id)
      const refused = await apiWith(env, `/api/jobs/${id}/retry`, {
        method: 'POST',
        headers: { 'If-Match': '"another"' },
      })
      await problemOf(refused, 412, 'precondition_failed')
      expect(await statusOf(id)).toEqual(before)
    })

    it('gives it back where the round ends before its actor wrote its row', async () => {
      const project = freshProject()
      const id = await cancelled(project)
      await bodyOf(await act(`/api/jobs/${id}/retry`))
      await bodyOf(await act(`/api/jobs/${id}/cancel`))
      await ring(id)
      expect(await statusOf(id)).toMatchObject({ status: 'cancelled' })
      expect((await create(project)).status).toBe(201)
      expect((await create(project)).status).toBe(201)
    })

    it('gives it back where the actor refuses, and has written its row meanwhile', async () => {
      const project = freshProject()
      const id = await cancelled(project)
      const refusal = { ok: false, code: 'job_changed', detail: 'It has another version by now.' } as const
      const write = async (changes: string) => {
        await bindings().DB.prepare(`UPDATE export_jobs SET ${changes} WHERE id = ?`).bind(id).run()
      }
      await write('version = version - 1')
      await withPlace({ ...bindings(), ...env }, id, null, async () => {
        // The actor names only what has changed since it wrote the row.
        await write(`version = version + 1, due_at = ${Date.now() + 10_000 * MINUTE}`)
        return refusal
      })
      await ring(id)
      expect(await statusOf(id)).toMatchObject({ status: 'cancelled' })
    })

    it('is not taken for a caller of another project', async () => {
      const id = await cancelled(freshProject())
      const before = await statusOf(id)
      const answer = { ok: false, code: 'job_not_found', detail: 'No.' } as const
      const during = withPlace({ ...bindings(), ...env }, id, freshProject(), async () => {
        expect(await statusOf(id)).toEqual(before)
        return answer
      })
      expect(await during).toEqual(answer)
    })

    it('is not taken for a retired job, whose row nobody would write again', async () => {
      const id = await cancelled(freshProject())
      await bindings().DB.prepare('UPDATE export_jobs SET archived = 1 WHERE id = ?').bind(id).run()
      const before = await statusOf(id)
      const during = withPlace({ ...bindings(), ...env }, id, null, async () => {
        expect(await statusOf(id)).toEqual(before)
        throw new Error('the Worker died')
      })
      await expect(during).rejects.toThrow('died')
    })

    it('is overdue at once in the list, so that the sweep mends what a crash leaves', async () => {
      const id = await cancelled(freshProject())
      const crash = withPlace({ ...bindings(), ...env }, id, null, async () => {
        expect(await statusOf(id)).toEqual({ status: 'pending', due_at: Date.now() })
        throw new Error('the Worker died')
      })
      await expect(crash).rejects.toThrow('died')
      vi.setSystemTime(Date.now() + 6 * MINUTE)
      await sweep(bindings(), Date.now())
      await ring(id)
      expect(await statusOf(id)).toMatchObject({ status: 'cancelled' })
    })
  })
})
