/** Which paths have a page, a file or nothing. The content of the files is tested in test/browser. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { pageAt } from '../../../web/src/pages.ts'
import { apiWith, problemOf, textOf, useHttpWorld } from '../../support/workerd/http.ts'
import { PRODUCTION } from '../../support/workerd/tokens.ts'

useHttpWorld()

const VISIT = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
const INDEX = '<!doctype html><div id="app"></div>'
const ETAG = '"index"'

/** The one HTML file of the build. */
const ASSETS = {
  async fetch(input: RequestInfo | URL, init?: RequestInit) {
    const request = new Request(input, init)
    if (new URL(request.url).pathname !== '/') return new Response(null, { status: 404 })
    const headers = { 'Content-Type': 'text/html', ETag: ETAG, 'Cache-Control': 'public, max-age=0' }
    const known = request.headers.get('If-None-Match') === ETAG
    return known ? new Response(null, { status: 304, headers }) : new Response(INDEX, { headers })
  },
} as Fetcher

const visit = (path: string, init: RequestInit = {}, vars: object = {}) =>
  apiWith({ ASSETS, ...vars }, path, { ...init, headers: { ...VISIT, ...init.headers } })

const ID = '0192f000-0000-7000-8000-000000000000'
const THERE = [`/jobs/${ID}`, `/jobs/${ID}/`, '/jobs/not-a-uuid', '/admin', '/admin/', `/admin/jobs/${ID}`]
const NOTHING = [
  '/nowhere',
  '/jobs',
  '/jobs/%zz',
  `/jobs/${ID}/more`,
  '/admin/nowhere',
  '/admin/jobs',
  '/admin/jobs/%zz',
  '/administration',
  '/index.php',
  '/constructor',
]

describe('the address of a page', () => {
  it.each(THERE)('%s is the page, whoever asks and however', async (path) => {
    expect(pageAt(path)).not.toBeNull()
    for (const headers of [VISIT, { Accept: '*/*' }]) {
      const response = await apiWith({ ASSETS }, path, { headers })
      expect([response.status, await textOf(response)]).toEqual([200, INDEX])
    }
    const head = await visit(path, { method: 'HEAD' })
    expect([head.status, await textOf(head)]).toEqual([200, ''])
    expect((await visit(path, { headers: { 'If-None-Match': ETAG } })).status).toBe(304)
  })

  it('has its page also where nothing is configured: the page says so', async () => {
    const response = await visit('/admin', {}, { ...PRODUCTION, AUTH_SECRET: '' })
    expect(response.status).toBe(200)
  })

  it('takes no other method', async () => {
    const problem = await problemOf(await visit('/admin', { method: 'POST' }), 405, 'method_not_allowed')
    expect(problem.detail).toContain('GET, HEAD, OPTIONS')
  })
})

describe('an address with nothing behind it', () => {
  it.each(NOTHING)('%s is 404: the page that says so for a visit, a problem for all others', async (path) => {
    expect(pageAt(path)).toBeNull()
    const page = await visit(path, { headers: { 'If-None-Match': ETAG } })
    expect([page.status, await textOf(page)]).toEqual([404, INDEX])
    expect([page.headers.get('ETag'), page.headers.get('Cache-Control')]).toEqual([null, 'no-store'])
    const head = await visit(path, { method: 'HEAD' })
    expect([head.status, await textOf(head)]).toEqual([404, ''])
    for (const Accept of ['*/*', 'application/json']) {
      await problemOf(await apiWith({ ASSETS }, path, { headers: { Accept } }), 404, 'route_not_found')
    }
  })

  it.each(['/assets/admin-OLDBUILD.js', '/assets/', '/assets', '/api/nowhere', '/api'])(
    '%s is 404 without HTML, also for a visit, and no cache keeps it',
    async (path) => {
      const response = await visit(path)
      expect(response.headers.get('Cache-Control')).toBe('no-store')
      await problemOf(response, 404, 'route_not_found')
    },
  )

  it('is a problem where the deployment has no pages', async () => {
    const none = { fetch: async () => new Response(null, { status: 404 }) } as unknown as Fetcher
    for (const path of ['/nowhere', '/admin']) {
      await problemOf(await visit(path, {}, { ASSETS: none }), 404, 'route_not_found')
    }
  })

  it('is a problem for every other method', async () => {
    await problemOf(await visit('/nowhere', { method: 'POST' }), 404, 'route_not_found')
  })

  it('has the binding that wrangler.toml names', () => {
    expect(env.ASSETS).toBeDefined()
  })
})
