import { listDurableObjectIds } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { api, apiWith, problemOf, useHttpWorld } from '../../support/workerd/http.ts'

useHttpWorld()

const PRODUCTION = {
  ENVIRONMENT: 'production',
  PUBLIC_URL: 'https://exportal.test',
  AUTH_SECRET: 'a-strong-secret-of-more-than-32-characters',
  ALLOWED_ORIGINS:
    'https://app.example.com, https://*.example.org/,https://*.pages.dev:8443, HTTPS://Shop.Example.com, https://*.Shop.Example.com',
}

describe('origins', () => {
  it.each([
    ['https://app.example.com', true],
    ['https://a.example.org', true],
    ['https://a-1.example.org', true],
    ['https://x.pages.dev:8443', true],
    ['https://shop.example.com', true],
    ['https://a.shop.example.com', true],
    ['http://app.example.com', false],
    ['https://app.example.com:8443', false],
    ['https://app.example.com.evil.test', false],
    ['https://evil-app.example.com', false],
    ['https://example.org', false],
    ['https://.example.org', false],
    ['https://a.b.example.org', false],
    ['https://evil.test/.example.org', false],
    ['https://aexample.org', false],
    ['https://x.pages.dev', false],
    ['http://localhost:5173', false],
    ['null', false],
    ['', false],
  ])('in production %s may read: %s', async (origin, allowed) => {
    const { headers } = await apiWith(PRODUCTION, '/health', { headers: { Origin: origin } })
    expect(headers.get('Access-Control-Allow-Origin')).toBe(allowed ? origin : null)
    expect(headers.get('Vary')).toBe('Origin')
    expect(headers.has('Access-Control-Allow-Credentials')).toBe(false)
  })

  it('in development pages on this computer may read', async () => {
    const { headers } = await api('/api/jobs', { headers: { Origin: 'http://localhost:5173' } })
    expect(headers.get('Access-Control-Allow-Origin')).toBe('http://localhost:5173')
    for (const name of [
      'ETag',
      'Location',
      'Retry-After',
      'X-Request-Id',
      'Content-Range',
      'Idempotent-Replayed',
    ]) {
      expect(headers.get('Access-Control-Expose-Headers')).toContain(name)
    }
  })

  it('problems are readable too', async () => {
    const response = await api('/nowhere', { headers: { Origin: 'http://localhost:5173' } })
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('http://localhost:5173')
    await problemOf(response, 404)
  })
})

describe('preflight', () => {
  const ask = (path: string, method: string, origin = 'https://app.example.com') =>
    apiWith(PRODUCTION, path, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': method,
        'Access-Control-Request-Headers': 'authorization, content-type',
      },
    })

  it('is answered 204 without a token and without an actor', async () => {
    const before = (await listDurableObjectIds(env.EXPORT_JOB)).length
    const response = await ask('/api/jobs/0192f000-0000-7000-8000-000000000000', 'DELETE')
    expect([response.status, await response.text()]).toEqual([204, ''])
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-methods': 'GET, HEAD, DELETE, OPTIONS',
      'access-control-allow-headers': expect.stringContaining('Idempotency-Key'),
      'access-control-max-age': '7200',
      vary: 'Origin',
    })
    expect((await listDurableObjectIds(env.EXPORT_JOB)).length).toBe(before)
  })

  it('allows nothing to other origins', async () => {
    const response = await ask('/api/jobs', 'POST', 'https://evil.test')
    expect(response.status).toBe(204)
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it('lets browsers put what an upload needs', async () => {
    const { headers } = await ask('/api/videos/upload/input/a.mp4', 'PUT')
    expect(headers.get('Access-Control-Allow-Methods')).toContain('PUT')
    expect(headers.get('Access-Control-Allow-Headers')).toContain('Content-Type')
  })

  it('OPTIONS alone tells the methods; unknown addresses stay unknown', async () => {
    const plain = await api('/api/jobs', { method: 'OPTIONS' })
    expect([plain.status, plain.headers.get('Allow')]).toEqual([204, 'POST, GET, HEAD, OPTIONS'])
    await problemOf(await ask('/nowhere', 'GET'), 404, 'route_not_found')
  })
})
