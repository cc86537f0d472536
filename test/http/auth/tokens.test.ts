/** Validity and scope of access tokens. */
import { describe, expect, it } from 'vitest'
import { keyFor } from '../../../actors/shared/signing.ts'
import { LONGEST_LIFETIME_SECONDS, readToken } from '../../../src/auth/access-token.ts'
import { T0 } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  bodyOf,
  createJob,
  freshProject,
  jobBody,
  ORIGIN,
  post,
  problemOf,
  SECRET,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import {
  bearer,
  forge,
  grantOf,
  PRODUCTION,
  RETIRED,
  respelled,
  STRONG,
  tokenOf,
  unsigned,
} from '../../support/workerd/tokens.ts'

useHttpWorld()

const NOW = T0 / 1000
const read = (token: string, now = T0) => readToken([SECRET], token, now)

describe('a token', () => {
  it('says who, what, where and until when', async () => {
    const grant = grantOf({ subject: 'backend of Ünïcode', scopes: ['jobs:read'], projectId: 7 })
    const answer = await read(await tokenOf(grant))
    expect(answer).toEqual({ ok: true, grant, expiresAt: T0 + 3_600_000 })
  })

  it('is for everything where it names neither project nor job nor subject', async () => {
    const answer = await read(await forge({ claims: { scope: 'jobs:read' } }))
    expect(answer).toMatchObject({ grant: { subject: 'token', projectId: null, jobId: null } })
  })

  it('keeps what it knows beside a scope of another version', async () => {
    const answer = await read(await forge({ claims: { scope: 'jobs:fly jobs:write jobs:rea' } }))
    expect(answer).toMatchObject({ grant: { scopes: ['jobs:write'] } })
  })

  it.each([
    [0, 'ok'],
    [3599, 'ok'],
    [3604, 'ok'],
    [3606, 'token_expired'],
    [-4, 'ok'],
    [-7, 'token_invalid'],
  ])('of an hour, %i seconds after it was issued: %s', async (seconds, outcome) => {
    const answer = await read(await forge(), T0 + seconds * 1000)
    expect(answer.ok ? 'ok' : answer.fault).toBe(outcome)
  })

  const invalid: [string, () => string | Promise<string>][] = [
    ['nothing', () => ''],
    ['a word', () => 'abc'],
    ['dots', () => '..'],
    ['three words', () => 'a.b.c'],
    ['alg none', async () => unsigned(await forge())],
    ['alg none with a good signature', async () => unsigned(await forge(), (await forge()).split('.')[2])],
    ['alg HS384', () => forge({ header: { alg: 'HS384' } })],
    ['alg HS512', () => forge({ header: { alg: 'HS512' } })],
    ['another key', () => forge({ key: keyFor('x'.repeat(40), 'jwt') })],
    ['the secret itself as key', () => forge({ key: new TextEncoder().encode(SECRET) })],
    ['the key of another purpose', () => forge({ key: keyFor(SECRET, 'callback') })],
    ['another spelling of its signature', async () => respelled(await forge())],
    ['another kind of JWT', () => forge({ header: { typ: 'JWT' } })],
    ['another issuer', () => forge({ claims: { iss: 'someone' } })],
    ['no issuer', () => forge({ claims: { iss: undefined } })],
    ['another audience', () => forge({ claims: { aud: 'someone' } })],
    ['no audience', () => forge({ claims: { aud: undefined } })],
    ['no expiry', () => forge({ claims: { exp: undefined } })],
    ['an expiry that is text', () => forge({ claims: { exp: String(NOW + 60) } })],
    ['no issue date', () => forge({ claims: { iat: undefined } })],
    ['too long a life', () => forge({ claims: { exp: NOW + LONGEST_LIFETIME_SECONDS + 1 } })],
    ['a life that begins later', () => forge({ claims: { nbf: NOW + 60 } })],
    ['no scope', () => forge({ claims: { scope: undefined } })],
    ['scopes as a list', () => forge({ claims: { scope: ['admin'] } })],
    ['a project that is text', () => forge({ claims: { project_id: '1' } })],
    ['project 0', () => forge({ claims: { project_id: 0 } })],
    ['project null', () => forge({ claims: { project_id: null } })],
    ['a job that is no id', () => forge({ claims: { job_id: '*' } })],
    ['a subject with a line break', () => forge({ claims: { sub: 'a\nb' } })],
    ['a subject without end', () => forge({ claims: { sub: 'x'.repeat(201) } })],
    [
      'a claim changed afterwards',
      async () => swapped(await forge({ claims: { scope: 'jobs:read' } }), await forge()),
    ],
  ]
  it.each(invalid)('is refused: %s', async (_name, make) => {
    expect(await read(await make())).toEqual({ ok: false, fault: 'token_invalid' })
  })

  it('of the longest life is accepted', async () => {
    expect(await read(await forge({ claims: { exp: NOW + LONGEST_LIFETIME_SECONDS } }))).toMatchObject({
      ok: true,
    })
  })

  it('of the previous secret holds during a rotation, and no longer', async () => {
    const old = await tokenOf({}, RETIRED)
    expect(await readToken([STRONG, RETIRED], old, T0)).toMatchObject({ ok: true })
    expect(await readToken([STRONG], old, T0)).toEqual({ ok: false, fault: 'token_invalid' })
    expect(await readToken([STRONG, RETIRED], old, T0 + 2 * 3_600_000)).toEqual({
      ok: false,
      fault: 'token_expired',
    })
  })
})

/** The claims of one token with the signature of another. */
function swapped(signed: string, other: string): string {
  const [header, , signature] = signed.split('.')
  return [header, other.split('.')[1], signature].join('.')
}

describe('a refused token', () => {
  it.each([
    ['token_expired', () => tokenOf({}, STRONG, -60_000), 'invalid_token'],
    ['token_invalid', () => tokenOf({}, 'x'.repeat(40)), 'invalid_token'],
  ])('is told %s, and how to get in (RFC 6750)', async (code, make, error) => {
    const response = await apiWith(PRODUCTION, '/api/jobs', { headers: bearer(await make()) })
    const header = response.headers.get('WWW-Authenticate')
    const { detail } = await problemOf(response, 401, code)
    expect(header).toBe(`Bearer realm="exportal", error="${error}", error_description="${detail}"`)
  })

  it('no token at all is told no error, a missing scope is named', async () => {
    const none = await apiWith(PRODUCTION, '/api/jobs')
    expect(none.headers.get('WWW-Authenticate')).toBe('Bearer realm="exportal"')
    const narrow = await apiWith(PRODUCTION, '/api/jobs', {
      headers: bearer(await tokenOf({ scopes: ['jobs:write'] }, STRONG)),
    })
    expect(narrow.headers.get('WWW-Authenticate')).toContain('error="insufficient_scope"')
    expect(narrow.headers.get('WWW-Authenticate')).toContain('scope="jobs:read"')
  })
})

describe('?token=', () => {
  it('opens sockets and event logs, which a browser asks for without headers', async () => {
    const { job_id } = await createJob()
    const token = await tokenOf({ scopes: ['jobs:read'] }, STRONG)
    expect((await apiWith(PRODUCTION, `/api/jobs/${job_id}/events?token=${token}`)).status).toBe(200)
    const socket = await apiWith(PRODUCTION, `/api/jobs/${job_id}/ws?token=${token}`, {
      headers: { Upgrade: 'websocket' },
    })
    expect(socket.status).toBe(101)
    expect(await firstOf(socket)).toMatchObject({ type: 'snapshot', job: { id: job_id } })
  })

  it('is refused where a header can be sent, whatever its worth, and beside another token', async () => {
    const { job_id } = await createJob()
    const token = await tokenOf()
    for (const path of ['/api/jobs', `/api/jobs/${job_id}`]) {
      await problemOf(await api(`${path}?token=${token}`), 400, 'token_misplaced')
    }
    const events = `/api/jobs/${job_id}/events?token=${token}`
    await problemOf(await api(events, { headers: bearer(token) }), 400, 'token_misplaced')
    await problemOf(await api(`${events}&token=${token}`), 400, 'token_misplaced')
    await problemOf(await api(`/api/jobs/${job_id}/events?token=`), 401, 'token_invalid')
  })
})

async function firstOf(response: Response): Promise<unknown> {
  const socket = response.webSocket
  if (!socket) throw new Error('There is no socket.')
  const first = new Promise<unknown>((resolve) => {
    socket.addEventListener('message', ({ data }) => resolve(JSON.parse(String(data))))
    socket.addEventListener('close', ({ code }) => resolve({ code }))
  })
  socket.accept()
  const message = await first
  socket.close(1000)
  return message
}

describe('websocket_url of a new job', () => {
  const create = async (headers: Record<string, string>, project: number) =>
    bodyOf<{ job_id: string; websocket_url: string }>(
      await post('/api/jobs', jobBody({ project_id: project }), headers),
      201,
    )

  it('carries a token that reads this job for a quarter of an hour, and nothing else', async () => {
    const project = freshProject()
    const headers = bearer(await tokenOf({ scopes: ['jobs:read', 'jobs:write'], projectId: project }))
    const { job_id, websocket_url } = await create(headers, project)
    const other = await create(headers, project)
    const token = new URL(websocket_url, ORIGIN).searchParams.get('token') ?? ''
    expect(await read(token)).toEqual({
      ok: true,
      grant: grantOf({ scopes: ['jobs:read'], jobId: job_id }),
      expiresAt: T0 + 15 * 60_000,
    })
    const socket = await api(`http://exportal.test${websocket_url}`, { headers: { Upgrade: 'websocket' } })
    expect(await firstOf(socket)).toMatchObject({ type: 'snapshot', job: { id: job_id } })
    const there = (path: string, method = 'GET') =>
      api(`http://exportal.test${path}`, { method, headers: bearer(token) })
    expect((await there(`/api/jobs/${job_id}`)).status).toBe(200)
    await problemOf(await there(`/api/jobs/${other.job_id}`), 404, 'job_not_found')
    await problemOf(await there(`/api/jobs/${job_id}/cancel`, 'POST'), 403, 'scope_missing')
    await problemOf(await there('/api/jobs'), 403, 'job_token_only')
  })

  it('dies with the token that asked for it', async () => {
    const { websocket_url } = await create(bearer(await tokenOf({}, SECRET, 60_000)), 1)
    const token = new URL(websocket_url, ORIGIN).searchParams.get('token') ?? ''
    expect(await read(token)).toMatchObject({ ok: true, expiresAt: T0 + 60_000 })
  })

  it('is plain for the developer, who needs no token, and for who may not read', async () => {
    const { job_id, websocket_url } = await create({}, 1)
    expect(websocket_url).toBe(`/api/jobs/${job_id}/ws`)
    const writer = await create(bearer(await tokenOf({ scopes: ['jobs:write'] })), 1)
    expect(writer.websocket_url).toBe(`/api/jobs/${writer.job_id}/ws`)
  })
})

it('shows the subject in the event log', async () => {
  const { job_id } = await createJob()
  const headers = bearer(await tokenOf({ subject: 'the night shift' }))
  await post(`/api/jobs/${job_id}/cancel`, {}, headers)
  expect(await (await api(`/api/jobs/${job_id}/events`)).text()).toContain('the night shift')
})
