/** 429: how often a token may call, and how many jobs a project may have under way. */
import { describe, expect, it } from 'vitest'
import {
  api,
  apiWith,
  bodyOf,
  type Created,
  dispatchedJob,
  freshProject,
  jobBody,
  pathOf,
  problemOf,
  ring,
  useHttpWorld,
} from '../support/workerd/http.ts'
import { bearer, tokenOf } from '../support/workerd/tokens.ts'

const world = useHttpWorld()

/** Lets each key pass so many times, as Cloudflare's binding does. */
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
  const create = (project_id: number, headers: Record<string, string> = {}) =>
    apiWith(env, '/api/jobs', {
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
})
