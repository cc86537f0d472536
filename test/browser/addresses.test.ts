/** What is served at each path: a page, a file, a route, or nothing. Tests the running service with its build. */
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser/browser.ts'
import { leave, startWorld, type World } from '../support/browser/world.ts'

interface Answer {
  status: number
  type: string
  cacheControl: string
  body: string
}

/** A request with these headers only: `fetch` adds some that browsers send for scripts. */
function ask(url: string, method: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          cacheControl: response.headers['cache-control'] ?? '',
          body: Buffer.concat(parts).toString(),
        }),
      )
    })
    sent.on('error', reject).end()
  })
}

const VISIT = { Accept: 'text/html,*/*;q=0.8', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }
const SCRIPT = { Accept: '*/*', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'script' }
const PLAIN = {}

describeInBrowser('an address', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())

  const at = (path: string, headers: Record<string, string> = VISIT, method = 'GET') =>
    ask(`${world.stack.url}${path}`, method, headers)
  const ID = '0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000'

  test.each(['/', `/jobs/${ID}`, '/admin', `/admin/jobs/${ID}`, '/admin?token=x'])(
    'of a page gives the page, by HEAD too: %s',
    async (path) => {
      for (const headers of [VISIT, PLAIN]) {
        const answer = await at(path, headers)
        expect([answer.status, answer.type]).toEqual([200, expect.stringContaining('text/html')])
        expect(answer.body).toContain('<div id="app">')
      }
      expect(await at(path, VISIT, 'HEAD')).toMatchObject({ status: 200, body: '' })
    },
  )

  test.each(['/nowhere', '/jobs', '/jobs/%zz', '/admin/nowhere', '/jobs/a/b', '/constructor'])(
    'with nothing behind it is 404, with a page for a visit: %s',
    async (path) => {
      const visit = await at(path)
      expect([visit.status, visit.type]).toEqual([404, expect.stringContaining('text/html')])
      expect(await at(path, VISIT, 'HEAD')).toMatchObject({ status: 404, body: '' })
      for (const headers of [SCRIPT, PLAIN]) {
        expect(await at(path, headers)).toMatchObject({ status: 404, type: 'application/problem+json' })
      }
    },
  )

  test.each(['/assets/admin-OLDBUILD.js', '/assets/app-OLDBUILD.css', '/assets/', '/api/nowhere', '/api'])(
    'of a file that is gone, and of the API, is 404 without HTML for everyone: %s',
    async (path) => {
      for (const headers of [VISIT, SCRIPT, PLAIN]) {
        expect(await at(path, headers)).toMatchObject({
          status: 404,
          type: 'application/problem+json',
          cacheControl: 'no-store',
        })
      }
    },
  )

  test('of a file of this build may be kept for ever; that of a page may not', async () => {
    const { body, cacheControl } = await at('/')
    expect(cacheControl).toContain('must-revalidate')
    const [script = ''] = /\/assets\/app-[^"]+\.js/.exec(body) ?? []
    expect(await at(script, SCRIPT)).toMatchObject({
      status: 200,
      cacheControl: expect.stringContaining('immutable'),
    })
    expect((await at('/docs')).status).toBe(200)
    expect((await at(`/jobs/${ID}`)).cacheControl).toContain('must-revalidate')
  })

  test('that is mistyped shows a way on, and a page is there again after a reload', async () => {
    const page = await world.page()
    for (const path of ['/nowhere', '/admin/nowhere', '/admin/jobs/%zz']) {
      const response = await page.goto(world.stack.url + path)
      expect(response?.status()).toBe(404)
      await page.getByText('There is no page here').waitFor()
    }
    await page.getByRole('link', { name: 'Admin' }).click()
    await page.getByRole('heading', { name: 'All jobs' }).waitFor()
    expect((await page.reload())?.status()).toBe(200)
    await page.getByRole('heading', { name: 'All jobs' }).waitFor()
    await leave(page)
  })

  test('of a part that is gone since the last deploy has the tab loaded anew, once and by itself', async () => {
    const page = await world.page()
    await page.goto(world.stack.url)
    await page.locator('.drop-zone').waitFor()
    const gone = { status: 404, contentType: 'application/problem+json', body: '{}' }
    // The first request is that of the old tab; the new page's own chunks exist.
    await page.route('**/assets/*.js', (route) => route.fulfill(gone), { times: 1 })
    const loaded = page.waitForEvent('load')
    await page.getByRole('link', { name: 'Admin' }).click()
    await loaded
    await page.getByRole('heading', { name: 'All jobs' }).waitFor()
    await leave(page)
  })

  test('of a part that stays away has the tab say what to do, and never load itself again', async () => {
    const page = await world.page()
    let loads = 0
    page.on('load', () => {
      loads += 1
    })
    // The answer of a proxy, or of an older version of this service, at the path of another build.
    await page.route('**/assets/admin-*.js', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
    )
    await page.goto(`${world.stack.url}/admin`)
    await page.getByText('This part of the pages could not be loaded').waitFor()
    await page.getByText('try again in a moment').waitFor()
    expect(loads).toBe(2)
    await page.unrouteAll()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'All jobs' }).waitFor()
    expect(loads).toBe(3)
    await leave(page)
  })
})
