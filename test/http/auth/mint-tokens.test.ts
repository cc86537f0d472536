/** Tokens derived from a token never grant more than it does. */
import { describe, expect, it } from 'vitest'
import { LONGEST_LIFETIME_SECONDS, readToken } from '../../../src/auth/access-token.ts'
import { T0 } from '../../support/workerd/clock.ts'
import { apiWith, bodyOf, post, problemOf, SECRET, useHttpWorld } from '../../support/workerd/http.ts'
import { bearer, PRODUCTION, RETIRED, STRONG, tokenOf } from '../../support/workerd/tokens.ts'

useHttpWorld()

const read = (token: string, now = T0) => readToken([SECRET], token, now)

interface Minted {
  token: string
  expires_at: string
  scope: string
  project_id: number | null
  job_id: string | null
}

const JOB = '0192f000-0000-7000-8000-00000000a0b1'
const OTHER_JOB = '0192f000-0000-7000-8000-00000000a0b2'

describe('POST /api/tokens', () => {
  it('lets the developer make any token', async () => {
    const minted = await bodyOf<Minted>(await post('/api/tokens', { scope: 'admin' }), 201)
    expect(minted).toMatchObject({ scope: 'admin', project_id: null, job_id: null })
    expect(Date.parse(minted.expires_at)).toBe(T0 + 15 * 60_000)
    expect(await read(minted.token)).toMatchObject({ ok: true, expiresAt: T0 + 15 * 60_000 })
  })

  it('answers what no cache keeps', async () => {
    const response = await post('/api/tokens', { scope: 'admin' })
    expect(response.headers.get('Cache-Control')).toContain('no-store')
  })

  const narrower: [own: object, asked: object, made: object][] = [
    [{ scopes: ['admin'] }, { scope: 'jobs:write jobs:read' }, { scope: 'jobs:read jobs:write' }],
    [{ scopes: ['jobs:read'] }, { scope: 'jobs:read' }, { scope: 'jobs:read' }],
    [{ projectId: 5 }, { scope: 'admin' }, { project_id: 5, job_id: null }],
    [{ projectId: 5 }, { scope: 'admin', project_id: 5, job_id: JOB }, { project_id: 5, job_id: JOB }],
    [{}, { scope: 'admin', project_id: 6 }, { project_id: 6 }],
    [{ jobId: JOB }, { scope: 'jobs:read' }, { project_id: null, job_id: JOB }],
    [{ jobId: JOB }, { scope: 'jobs:read', project_id: 8 }, { project_id: 8, job_id: JOB }],
  ]
  it.each(narrower)('%j asked for %j makes %j', async (own, asked, made) => {
    const headers = bearer(await tokenOf(own))
    const minted = await bodyOf<Minted>(await post('/api/tokens', asked, headers), 201)
    expect(minted).toMatchObject(made)
    const inside = await read(minted.token)
    expect(inside).toMatchObject({
      grant: { subject: 'someone', projectId: minted.project_id, jobId: minted.job_id },
    })
    expect(inside.ok && inside.grant.scopes.join(' ')).toBe(minted.scope)
  })

  const wider: [own: object, asked: object, code: string][] = [
    [{ scopes: ['jobs:read'] }, { scope: 'jobs:write' }, 'scope_missing'],
    [{ scopes: ['jobs:read'] }, { scope: 'jobs:read admin' }, 'scope_missing'],
    [{ scopes: ['jobs:read', 'jobs:write', 'videos:write'] }, { scope: 'admin' }, 'scope_missing'],
    [{ scopes: [] }, { scope: 'jobs:read' }, 'scope_missing'],
    [{ projectId: 5 }, { scope: 'admin', project_id: 6 }, 'project_forbidden'],
    [{ jobId: JOB }, { scope: 'admin', job_id: OTHER_JOB }, 'job_token_only'],
  ]
  it.each(wider)('%j may not have %j: %s', async (own, asked, code) => {
    const headers = bearer(await tokenOf(own))
    await problemOf(await post('/api/tokens', asked, headers), 403, code)
  })

  it.each([
    [{ scope: 'jobs:fly' }, '/scope/0'],
    [{ scope: '' }, '/scope/0'],
    [{ scope: 'jobs:read  jobs:write' }, '/scope/1'],
    [{}, '/scope'],
    [{ scope: ['admin'] }, '/scope'],
    [{ scope: 'admin', ttl_seconds: 0 }, '/ttl_seconds'],
    [{ scope: 'admin', ttl_seconds: LONGEST_LIFETIME_SECONDS + 1 }, '/ttl_seconds'],
    [{ scope: 'admin', ttl_seconds: 60.5 }, '/ttl_seconds'],
    [{ scope: 'admin', project_id: '1' }, '/project_id'],
    [{ scope: 'admin', job_id: 'x' }, '/job_id'],
    [{ scope: 'admin', sub: 'root' }, '/sub'],
  ])('refuses %j', async (body, pointer) => {
    const problem = await problemOf(await post('/api/tokens', body), 400, 'validation_failed')
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
  })

  it('never makes one that outlives its own', async () => {
    const headers = bearer(await tokenOf({}, SECRET, 90_000))
    const short = await post('/api/tokens', { scope: 'admin', ttl_seconds: 60 }, headers)
    expect((await bodyOf<Minted>(short, 201)).expires_at).toBe(new Date(T0 + 60_000).toISOString())
    const long = await post('/api/tokens', { scope: 'admin', ttl_seconds: 3600 }, headers)
    const { expires_at, token } = await bodyOf<Minted>(long, 201)
    expect(expires_at).toBe(new Date(T0 + 90_000).toISOString())
    expect(await read(token)).toMatchObject({ ok: true, expiresAt: T0 + 90_000 })
  })

  it('signs with the current secret, also for a token of the previous one', async () => {
    const response = await apiWith(PRODUCTION, '/api/tokens', {
      method: 'POST',
      headers: { ...bearer(await tokenOf({}, RETIRED)), 'Content-Type': 'application/json' },
      body: JSON.stringify({ scope: 'jobs:read' }),
    })
    const { token } = await bodyOf<Minted>(response, 201)
    expect(await readToken([STRONG], token, T0)).toMatchObject({ ok: true })
  })
})
