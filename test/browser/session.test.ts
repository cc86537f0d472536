/** Sign-in, and that no URL of any page, link, request or history entry ever contains the credentials. */
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createExports } from '../../client/index.ts'
import { makeToken } from '../../src/auth/access-token.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { startWorld, type World } from '../support/browser/world.ts'

const AUTH_SECRET = 'vGm8Zq2LrT5wXn7PcK4bYd9HsJ6fAe3U1oMiRtWyQzBx'
/** Outside development, access requires a token. */
const VARS = { ENVIRONMENT: 'staging', AUTH_SECRET }

const tokenOf = (minutes = 60) => {
  const grant = { subject: 'ada', scopes: ['admin'], projectId: null, jobId: null } as const
  return makeToken(AUTH_SECRET, grant, Date.now(), Date.now() + minutes * 60_000)
}

/** Every URL that the page shows, requests, sends as its referrer, or leaves in its history. */
function watchAddresses(page: Page) {
  const seen = new Set<string>()
  page.on('request', (request) => {
    seen.add(request.url())
    seen.add(request.headers().referer ?? '')
  })
  page.on('websocket', (socket) => seen.add(socket.url()))
  page.on('framenavigated', (frame) => seen.add(frame.url()))
  return async () => {
    const links = await page.evaluate(() =>
      [...document.querySelectorAll('[href], [src], [action]')].flatMap((element) =>
        ['href', 'src', 'action'].flatMap((name) => element.getAttribute(name) ?? []),
      ),
    )
    const cdp = await page.context().newCDPSession(page)
    const { entries } = await cdp.send('Page.getNavigationHistory')
    return [...seen, ...links, ...entries.map(({ url }) => url), page.url()]
  }
}

describeInBrowser('signing in', () => {
  let world: World
  let id: string
  beforeAll(async () => {
    world = await startWorld(1, VARS)
    const client = createExports({ baseUrl: world.stack.url, token: await tokenOf() })
    const job = { project_id: 1, type: 'trim', input_video_key: 'input/a/clip.mp4' } as const
    id = (await client.jobs.create({ ...job, params: { start_seconds: 0, end_seconds: 1 } })).job_id
  })
  afterAll(() => world?.close())

  const signedIn = async (token: string, path = '/admin?tab=all') => {
    const page = await world.page({ permissions: ['clipboard-read', 'clipboard-write'] })
    const addresses = watchAddresses(page)
    await page.goto(world.stack.url + path)
    await page.getByLabel('Access token').first().fill(token)
    await page.getByRole('button', { name: 'Use it' }).first().click()
    return { page, addresses }
  }
  const closed = (page: Page): Promise<void> => (page.context() satisfies BrowserContext).close()

  test('a token that is typed in opens all pages of the tab, and stands in no address', async () => {
    const token = await tokenOf()
    const { page, addresses } = await signedIn(token)
    await page.locator('.jobs-table tbody tr').first().waitFor()
    const seen: string[] = []
    for (const path of [`/admin/jobs/${id}`, `/jobs/${id}`, '/', '/admin?tab=all']) {
      await page.goto(world.stack.url + path)
      await page.getByRole('navigation').first().waitFor()
      seen.push(...(await addresses()))
    }
    await page.locator('.jobs-table tbody tr').first().waitFor()
    expect(seen.filter((address) => address.includes(token))).toEqual([])
    const pages = seen.filter((address) => !/\/api\//.test(address))
    expect(pages.filter((address) => /token=|eyJ/.test(address))).toEqual([])
    expect(seen.length).toBeGreaterThan(20)
    await closed(page)
  })

  test('another tab knows nothing of it', async () => {
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await page.getByLabel('Access token').waitFor()
    await closed(page)
  })

  test('an address that brings a token is rid of it, in the history too', async () => {
    const token = await tokenOf()
    for (const address of [`/admin?token=${token}`, `/admin?project=7#token=${token}`]) {
      const page = await world.page()
      await page.goto(world.stack.url + address)
      await page.getByRole('heading', { name: 'All jobs' }).waitFor()
      expect(page.url()).not.toContain('token')
      const cdp = await page.context().newCDPSession(page)
      const { entries } = await cdp.send('Page.getNavigationHistory')
      expect(entries.filter(({ url }) => url.includes(token))).toEqual([])
      await closed(page)
    }
  })

  test('a shared link opens its job with the token in its fragment, also after a reload, and nothing else', async () => {
    const { page } = await signedIn(await tokenOf(), `/jobs/${id}`)
    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.getByRole('button', { name: 'Link copied' }).waitFor()
    const link = new URL(await page.evaluate(() => navigator.clipboard.readText()))
    expect([link.search, link.hash.startsWith('#token=')]).toEqual(['', true])
    const guest = await world.page()
    const addresses = watchAddresses(guest)
    await guest.goto(link.href)
    await guest.locator('.job h1').waitFor()
    await guest.reload()
    await guest.locator('.job h1').waitFor()
    const secret = link.hash.slice('#token='.length)
    const own = (await addresses()).filter((address) => address !== link.href && address.includes(secret))
    expect(own).toEqual([])
    await guest.goto(`${world.stack.url}/admin`)
    await guest.getByLabel('Access token').first().waitFor()
    await Promise.all([closed(page), closed(guest)])
  })

  test('by Cloudflare Access nobody types anything: the token lives in memory, and a reload asks again', async () => {
    const page = await world.page()
    const token = await tokenOf(15)
    let trades = 0
    await page.route('**/api/admin/session', (route) => {
      trades += 1
      const expires_at = new Date(Date.now() + 15 * 60_000).toISOString()
      return route.fulfill({
        status: 201,
        json: { token, expires_at, scope: 'admin', project_id: null, job_id: null },
      })
    })
    await page.goto(`${world.stack.url}/admin?tab=all`)
    await page.locator('.jobs-table tbody tr').first().waitFor()
    expect(trades).toBe(1)
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]),
    )
    expect(kept).not.toContain(token)
    await page.reload()
    await page.locator('.jobs-table tbody tr').first().waitFor()
    expect(trades).toBe(2)
    await closed(page)
  })
})
