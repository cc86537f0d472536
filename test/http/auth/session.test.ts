/** Sign-in of operators by Cloudflare Access, and what its assertion does not permit. */
import { describe, expect, it, vi } from 'vitest'
import { AUDIENCE, assertion, rotate, TEAM } from '../../support/workerd/access.ts'
import { MINUTE, T0 } from '../../support/workerd/clock.ts'
import { apiWith, bodyOf, createJob, problemOf, useHttpWorld } from '../../support/workerd/http.ts'
import { bearer, PRODUCTION } from '../../support/workerd/tokens.ts'

const world = useHttpWorld()

const PAGE = { Origin: 'https://exportal.test', 'Sec-Fetch-Site': 'same-origin' }
const ACCESS = { ...PRODUCTION, ACCESS_TEAM_DOMAIN: TEAM.slice('https://'.length), ACCESS_AUD: AUDIENCE }

const signIn = (headers: Record<string, string>, over: Record<string, string> = {}) =>
  apiWith({ ...ACCESS, ...over }, 'https://exportal.test/api/admin/session', {
    method: 'POST',
    headers: { ...PAGE, ...headers },
  })
const tokenFor = async (email = 'ada@example.com') => {
  const answer = await signIn(await assertion({ claims: { email } }))
  expect(answer.status).toBe(201)
  return (await bodyOf<{ token: string }>(answer, 201)).token
}
const asks = (path: string, headers: Record<string, string>, method = 'GET') =>
  apiWith(ACCESS, `https://exportal.test${path}`, { method, headers })

describe('An assertion of Cloudflare Access', () => {
  it('is exchanged for a token of a quarter of an hour, which opens what operators need', async () => {
    const answer = await signIn(await assertion())
    expect(answer.headers.get('Cache-Control')).toContain('no-store')
    const body = await bodyOf<{ token: string; expires_at: string; scope: string }>(answer, 201)
    expect([body.scope, body.expires_at]).toEqual(['admin', new Date(T0 + 15 * MINUTE).toISOString()])
    expect((await asks('/api/admin/stats', bearer(body.token))).status).toBe(200)
    vi.setSystemTime(T0 + 16 * MINUTE)
    await problemOf(await asks('/api/admin/stats', bearer(body.token)), 401, 'token_expired')
  })

  it('gives no more than its own time', async () => {
    const body = await bodyOf<{ expires_at: string }>(await signIn(await assertion({ ttlSeconds: 60 })), 201)
    expect(body.expires_at).toBe(new Date(T0 + MINUTE).toISOString())
  })

  it('opens nothing else', async () => {
    const header = await assertion()
    for (const path of ['/api/jobs', '/api/admin/stats', '/api/admin/metrics', '/api/job-types'])
      await problemOf(await asks(path, { ...PAGE, ...header }), 401, 'unauthorized')
    await problemOf(await asks('/api/jobs', bearer(header['Cf-Access-Jwt-Assertion'])), 401, 'token_invalid')
  })

  it.each<[string, Parameters<typeof assertion>[0], number, string]>([
    ['of another application', { claims: { aud: ['another'] } }, 401, 'assertion_invalid'],
    ['of another team', { claims: { iss: 'https://other.cloudflareaccess.com' } }, 401, 'assertion_invalid'],
    ['under a key that is not the team’s', { forged: true }, 401, 'assertion_invalid'],
    ['that is over', { ttlSeconds: -60 }, 401, 'assertion_expired'],
    ['without an end', { claims: { exp: undefined } }, 401, 'assertion_invalid'],
    ['of a machine', { claims: { email: undefined, common_name: 'robot' } }, 403, 'no_operator'],
  ])('%s is refused', async (_, wanted, status, code) => {
    await problemOf(await signIn(await assertion(wanted)), status, code)
  })

  it('of somebody whom the list does not name is refused; one of the list is known in any case', async () => {
    const listed = { ACCESS_ADMINS: 'Grace@example.com, ada@EXAMPLE.com' }
    expect((await signIn(await assertion(), listed)).status).toBe(201)
    const eve = await assertion({ claims: { email: 'eve@example.com' } })
    await problemOf(await signIn(eve, listed), 403, 'no_operator')
  })

  it('is asked for, and must be one', async () => {
    await problemOf(await signIn({}), 401, 'assertion_missing')
    for (const text of ['x', 'a.b.c', `${btoa('{"alg":"none"}')}.e30.`])
      await problemOf(await signIn({ 'Cf-Access-Jwt-Assertion': text }), 401, 'assertion_invalid')
  })

  it('is taken from no page of another site, whatever that sends beside it', async () => {
    const header = await assertion()
    const token = bearer(await tokenFor())
    for (const foreign of [
      { Origin: 'https://evil.test', 'Sec-Fetch-Site': 'cross-site' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'same-site' },
      { Origin: 'https://evil.test', ...token },
    ])
      await problemOf(await signIn({ ...header, ...foreign }), 403, 'cross_origin')
  })

  it('means nothing to a deployment without Access', async () => {
    const answer = await apiWith(PRODUCTION, 'https://exportal.test/api/admin/session', {
      method: 'POST',
      headers: { ...PAGE, ...(await assertion()) },
    })
    await problemOf(answer, 404, 'access_not_configured')
  })

  it('under a new key of the team has the keys read again, and they are kept otherwise', async () => {
    const reads = () => vi.mocked(fetch).mock.calls.filter(([url]) => String(url).endsWith('/certs')).length
    await tokenFor()
    const before = reads()
    await tokenFor()
    expect(reads()).toBe(before)
    const old = await assertion()
    rotate()
    // Forged key ids do not cause the keys to be fetched at every request.
    vi.setSystemTime(T0 + MINUTE)
    await tokenFor()
    expect(reads()).toBe(before + 1)
    expect((await signIn(old)).status).toBe(201)
    await problemOf(await signIn(await assertion({ forged: true })), 401, 'assertion_invalid')
    expect(reads()).toBe(before + 1)
  })

  it('cannot be read while the team does not give its keys', async () => {
    vi.mocked(fetch).mockImplementation(async () => new Response('down', { status: 502 }))
    const other = { ACCESS_TEAM_DOMAIN: 'away.cloudflareaccess.com' }
    const answer = await signIn(await assertion(), other)
    expect(answer.headers.get('Retry-After')).not.toBeNull()
    await problemOf(answer, 503, 'access_unavailable')
  })

  it('names the operator in what they do', async () => {
    const { job_id: id } = await createJob()
    const token = await tokenFor()
    await asks(`/api/jobs/${id}/cancel`, bearer(token), 'POST')
    const { events } = await bodyOf<{ events: { type: string; data: { by?: string } }[] }>(
      await asks(`/api/jobs/${id}/events`, bearer(token)),
    )
    expect(events.find(({ type }) => type === 'cancel_requested')?.data.by).toBe('ada@example.com')
    expect(world.logs.some((line) => line.includes(token))).toBe(false)
  })
})

describe('Settings of Access', () => {
  it.each<[string, Record<string, string>, string]>([
    ['a team without an audience', { ACCESS_AUD: '' }, 'ACCESS_AUD'],
    ['an audience without a team', { ACCESS_TEAM_DOMAIN: '' }, 'ACCESS_TEAM_DOMAIN'],
    [
      'a list without either',
      { ACCESS_AUD: '', ACCESS_TEAM_DOMAIN: '', ACCESS_ADMINS: 'a@b.c' },
      'ACCESS_TEAM_DOMAIN',
    ],
    [
      'keys over an open line',
      { ACCESS_TEAM_DOMAIN: 'http://team.cloudflareaccess.com' },
      'ACCESS_TEAM_DOMAIN',
    ],
  ])('%s do not serve', async (_, over, named) => {
    const problem = await problemOf(await signIn({}, over), 503, 'not_configured')
    expect(problem.detail).toContain(named)
  })
})

describe('TOKENS_NOT_BEFORE', () => {
  it('kills every token that is older, and no other', async () => {
    const token = bearer(await tokenFor())
    const status = async (instant: string) =>
      (
        await apiWith({ ...ACCESS, TOKENS_NOT_BEFORE: instant }, 'https://exportal.test/api/admin/stats', {
          headers: token,
        })
      ).status
    expect(await status('2100-01-01T00:00:00Z')).toBe(200)
    expect(await status('2100-01-01T00:00:01Z')).toBe(401)
    expect(await status('')).toBe(200)
    for (const wrong of ['tomorrow', '2100-02-30T00:00:00Z', '2100-01-01', '2100-01-01T00:00:00'])
      expect(await status(wrong)).toBe(503)
  })
})
