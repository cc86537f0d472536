import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { VERSION } from '../../../actors/shared/version.ts'
import { ROUTES } from '../../../src/router.ts'
import { outcomeOf } from '../../support/workerd/answers.ts'
import { api, apiWith, problemOf, useHttpWorld } from '../../support/workerd/http.ts'
import { bearer, PRODUCTION, STRONG, tokenOf } from '../../support/workerd/tokens.ts'

useHttpWorld()

describe('in development without a token', () => {
  it.each(['http://localhost', 'http://localhost:8787', 'http://127.0.0.1:8787', 'http://[::1]:8787'])(
    '%s acts as the developer',
    async (origin) => {
      expect((await api(`${origin}/api/jobs`)).status).toBe(200)
      for (const page of [
        'http://localhost:5173',
        'http://127.0.0.1',
        'http://[::1]:1',
        'https://localhost',
      ]) {
        expect((await api(`${origin}/api/jobs`, { headers: { Origin: page } })).status).toBe(200)
      }
    },
  )

  it.each([
    'http://exportal.test',
    'http://192.168.1.5:8787',
    'http://0.0.0.0:8787',
    'http://localhost.evil.test',
    'http://127.0.0.1.nip.io',
    'http://evil.test:8787',
  ])('%s is a stranger', async (origin) => {
    const response = await api(`${origin}/api/jobs`)
    expect(response.headers.get('WWW-Authenticate')).toContain('Bearer')
    await problemOf(response, 401, 'unauthorized')
  })

  it.each([
    'https://evil.test',
    'null',
    'http://localhost.evil.test',
    'file://',
    'http://localhost@evil.test',
  ])('a page of %j is a stranger', async (page) => {
    const response = await api('/api/jobs', { headers: { Origin: page } })
    await problemOf(response, 401, 'unauthorized')
  })

  it.each([
    ['curl', {}],
    ['the fetch of Node', { 'Accept-Language': '*', 'Sec-Fetch-Mode': 'cors', 'User-Agent': 'node' }],
    ['a client that takes any language', { 'Accept-Language': '*', 'User-Agent': 'curl/8.0' }],
    [
      'a page of this very origin',
      { 'Accept-Language': 'de', 'Sec-Fetch-Site': 'same-origin', 'User-Agent': 'Mozilla/5.0' },
    ],
    ['an address that was typed in', { 'Accept-Language': 'de', 'Sec-Fetch-Site': 'none' }],
  ] as [string, Record<string, string>][])('%s needs none', async (_name, headers) => {
    expect((await api('/api/jobs', { headers })).status).toBe(200)
  })

  it.each([
    ['Forwarded', { Forwarded: 'for=192.0.2.1' }],
    ['X-Forwarded-For', { 'X-Forwarded-For': '127.0.0.1' }],
    ['X-Forwarded-Host', { 'X-Forwarded-Host': 'localhost' }],
    ['any other X-Forwarded header', { 'X-Forwarded-Whatever': '' }],
  ] as [string, Record<string, string>][])(
    'what comes with %s came through a proxy',
    async (_name, headers) => {
      const problem = await problemOf(await api('/api/jobs', { headers }), 401, 'unauthorized')
      expect(problem.detail).toBe(
        'What a proxy forwards needs an access token: send Authorization: Bearer <token>.',
      )
      const withToken = { ...headers, ...bearer(await tokenOf()) }
      expect((await api('/api/jobs', { headers: withToken })).status).toBe(200)
    },
  )

  it.each([
    ['in a language', { 'Accept-Language': 'en-US,en;q=0.9' }],
    ['in any language, which it may claim', { 'Accept-Language': '*', 'User-Agent': 'Mozilla/5.0' }],
    ['in no language, which it may claim too', { 'Accept-Language': '', 'User-Agent': 'Mozilla/5.0' }],
    ['in a language under a name of its own', { 'Accept-Language': 'en', 'User-Agent': 'curl/8.0' }],
  ] as [string, Record<string, string>][])(
    'a page under a name that resolves to loopback is a stranger: %s',
    async (_name, headers) => {
      for (const path of ['/api/jobs', '/api/admin/stats', '/api/videos/download/input/a/clip.mp4'])
        expect((await api(path, { headers })).status).toBe(401)
      const problem = await problemOf(await api('/api/jobs', { headers }), 401, 'unauthorized')
      expect(problem.detail).toContain('send Authorization: Bearer <token>')
    },
  )

  it.each([
    ['a page on loopback', { Origin: 'http://localhost:5173', 'Accept-Language': 'de' }, 4404],
    ['a client without an origin', {}, 4404],
    ['the WebSocket of Node', { 'Accept-Language': '*', 'Sec-Fetch-Mode': 'websocket' }, 4404],
    ['a page of another origin', { Origin: 'http://evil.test', 'Accept-Language': 'de' }, 4401],
    ['a page that hides its origin', { 'Accept-Language': 'de' }, 4401],
    [
      'a page that hides its origin behind another header',
      { 'Accept-Language': 'de', 'Sec-Fetch-Site': 'none' },
      4401,
    ],
    ['a proxy', { 'X-Forwarded-Proto': 'https' }, 4401],
  ] as [string, Record<string, string>, number][])(
    'a socket is judged by its origin: %s',
    async (_name, headers, code) => {
      const path = '/api/jobs/0192f000-0000-7000-8000-000000000000/ws'
      expect(await outcomeOf(await api(path, { headers: { Upgrade: 'websocket', ...headers } }))).toBe(code)
    },
  )

  it.each([
    ['Bearer abc', 'token_invalid'],
    ['bearer abc', 'token_invalid'],
    ['Basic YTpi', 'unauthorized'],
    ['Bearer', 'unauthorized'],
    ['Bearer a b', 'unauthorized'],
  ])('credentials are never passed over: %j', async (Authorization, code) => {
    await problemOf(await api('/api/jobs', { headers: { Authorization } }), 401, code)
  })

  it('a token counts like anywhere else: less than the developer may is less', async () => {
    const headers = bearer(await tokenOf({ scopes: ['jobs:write'] }))
    await problemOf(await api('/api/jobs', { headers }), 403, 'scope_missing')
  })
})

describe('outside development', () => {
  const scoped = ROUTES.filter(({ access }) => access !== 'open' && access !== 'signed')

  it.each(scoped.map((route) => `${route.method} ${route.path}`))('%s lets nobody in', async (line) => {
    const [method = '', path = ''] = line.split(' ')
    const address = path
      .replace(':id', '0192f000-0000-7000-8000-000000000000')
      .replace(':key+', 'input/a.mp4')
    for (const env of [
      PRODUCTION,
      { ...PRODUCTION, ENVIRONMENT: 'staging' },
      { ...PRODUCTION, ENVIRONMENT: '' },
    ]) {
      await problemOf(await apiWith(env, address, { method }), 401, 'unauthorized')
    }
  })

  it.each([
    [{ ENVIRONMENT: 'production', PUBLIC_URL: 'https://exportal.test' }, 'AUTH_SECRET'],
    [{ ENVIRONMENT: '', PUBLIC_URL: 'https://exportal.test', AUTH_SECRET: 'short' }, 'AUTH_SECRET'],
    [{ ENVIRONMENT: 'prod', PUBLIC_URL: '', AUTH_SECRET: STRONG }, 'PUBLIC_URL'],
    [{ ENVIRONMENT: 'staging', PUBLIC_URL: 'not a url', AUTH_SECRET: STRONG }, 'PUBLIC_URL'],
    [
      {
        ENVIRONMENT: 'production',
        PUBLIC_URL: 'https://exportal.test',
        AUTH_SECRET: 'exportal-development-secret-not-for-production',
      },
      'AUTH_SECRET',
    ],
    [{ ENVIRONMENT: 'development', AUTH_SECRET: 'short' }, 'AUTH_SECRET'],
  ])('a missing setting closes every route and is named: %j', async (env, name) => {
    for (const { method, path } of ROUTES.filter(({ access }) => access !== 'open')) {
      const address = path
        .replace(':id', '0192f000-0000-7000-8000-000000000000')
        .replace(':key+', 'input/a.mp4')
      const problem = await problemOf(await apiWith(env, address, { method }), 503, 'not_configured')
      expect(problem.detail).toContain(name)
    }
    expect(await (await apiWith(env, '/health')).json()).toMatchObject({ status: 'ok' })
    await problemOf(await apiWith(env, '/health?deep=1'), 503, 'not_configured')
  })
})

describe('GET /health', () => {
  it('answers without a look at anything', async () => {
    const response = await api('http://exportal.test/health')
    expect([response.status, await response.json()]).toEqual([
      200,
      { status: 'ok', env: 'development', release: VERSION, version: env.VERSION?.id },
    ])
    expect(await (await apiWith({ ENVIRONMENT: 'nonsense' }, '/health')).json()).toMatchObject({
      env: 'production',
    })
  })

  it('looks at everything when asked by an admin, and only then', async () => {
    const deep = await api('/health?deep=1')
    expect([deep.status, await deep.json()]).toEqual([
      200,
      {
        status: 'ok',
        env: 'development',
        release: VERSION,
        version: env.VERSION?.id,
        checks: {
          d1: { ok: true, ms: expect.any(Number) },
          r2: { ok: true, ms: expect.any(Number) },
          runpod: { ok: true, ms: expect.any(Number) },
        },
      },
    ])
    await problemOf(await api('http://exportal.test/health?deep=1'), 401, 'unauthorized')
    const reader = bearer(await tokenOf({ scopes: ['jobs:read', 'jobs:write', 'videos:write'] }))
    await problemOf(await api('/health?deep=1', { headers: reader }), 403, 'scope_missing')
    const admin = bearer(await tokenOf())
    expect((await api('http://exportal.test/health?deep=1', { headers: admin })).status).toBe(200)
  })

  it('names what does not answer', async () => {
    const broken = await apiWith({ RUNPOD_ENDPOINT: '' }, '/health?deep=1')
    expect([broken.status, await broken.json()]).toMatchObject([
      503,
      {
        status: 'degraded',
        checks: { d1: { ok: true }, runpod: { ok: false, detail: expect.stringContaining('RUNPOD') } },
      },
    ])
  })
})

describe('every response', () => {
  it('carries a request id: the client’s own when it is harmless', async () => {
    const sent = await api('/health', { headers: { 'X-Request-Id': 'abc-1.2:3' } })
    expect(sent.headers.get('X-Request-Id')).toBe('abc-1.2:3')
    for (const id of ['a b', 'x'.repeat(129), '<script>', '']) {
      const made = await api('/health', { headers: { 'X-Request-Id': id } })
      expect(made.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
    }
  })
})
