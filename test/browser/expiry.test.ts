/** Tokens that expire while a page is open, cannot be renewed, or are read by a computer whose clock is wrong. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeToken } from '../../src/auth/access-token.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { dropVideo } from '../support/browser/pages.ts'
import { startWorld, type World } from '../support/browser/world.ts'

const AUTH_SECRET = 'vGm8Zq2LrT5wXn7PcK4bYd9HsJ6fAe3U1oMiRtWyQzBx'
/** Outside development, access requires a token. */
const VARS = { ENVIRONMENT: 'staging', AUTH_SECRET }
const HOUR_MS = 3_600_000

const tokenOf = (jobId: string | null = null) => {
  const scopes = jobId === null ? (['admin'] as const) : (['jobs:read'] as const)
  return makeToken(
    AUTH_SECRET,
    { subject: 'ada', scopes, projectId: null, jobId },
    Date.now(),
    Date.now() + HOUR_MS,
  )
}

describeInBrowser('a page with a token', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(1, VARS)
  })
  afterAll(() => world?.close())

  /** The studio after a reload, with a video that only the service has. */
  const studioOfBefore = async () => {
    const page = await world.page()
    await page.goto(`${world.stack.url}/?token=${await tokenOf()}`)
    await dropVideo(page, world.clip)
    await page.reload()
    await page.locator('.stage-frame[data-ready="true"]').waitFor()
    return page
  }
  const issued = (page: Page) => {
    const requests: string[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/api/tokens')) requests.push(request.url())
    })
    return requests
  }
  const type = async (page: Page, text: string) => {
    const field = page.getByRole('textbox', { name: 'Text' })
    await field.pressSequentially(text)
    await expect.poll(() => field.inputValue()).toContain(text)
  }

  test('is rendered any number of times for one renewal, also when that is refused', async () => {
    const page = await studioOfBefore()
    await page.route('**/api/tokens', (route) => route.fulfill({ status: 403, json: {} }))
    await page.reload()
    const requests = issued(page)
    await page.getByRole('textbox', { name: 'Text' }).waitFor()
    await type(page, 'many keys, many renderings')
    expect(requests.length).toBeLessThanOrEqual(1)
  })

  test('keeps its preview while its token is renewed', async () => {
    const page = await studioOfBefore()
    await page.clock.install()
    const requests = issued(page)
    await page.locator('.stage video').evaluate((video) => video.setAttribute('data-same', ''))
    await page.clock.setSystemTime(Date.now() + HOUR_MS / 5)
    await type(page, 'renewed')
    await expect.poll(() => requests.length).toBe(1)
    await type(page, ' and rendered')
    expect(await page.locator('.stage video[data-same]').count()).toBe(1)
  })

  test('renews the address of its preview when that is refused', async () => {
    const page = await studioOfBefore()
    await page.clock.install()
    const video = page.locator('.stage video')
    const addressOf = () => video.evaluate((element: HTMLVideoElement) => element.src)
    const expired = await addressOf()
    // A token of the same second would be the same.
    const second = () => Math.floor(Date.now() / 1_000)
    const issuedBy = second()
    await expect.poll(second, { timeout: 2_000 }).toBeGreaterThan(issuedBy)
    await page.route(
      ({ href }) => href === expired,
      (route) => route.fulfill({ status: 401 }),
    )
    await page.clock.setSystemTime(Date.now() + HOUR_MS / 2)
    // The browser has the whole of this short file; of a longer one it would ask for more.
    await video.dispatchEvent('error')
    await expect.poll(addressOf).not.toBe(expired)
    await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.videoWidth)).toBe(1280)
  })

  test('signs in by Access on a computer whose clock is an hour ahead', async () => {
    const page = await world.page()
    await page.clock.install({ time: Date.now() + HOUR_MS })
    const now = Date.now()
    const grant = { subject: 'ada', scopes: ['admin'], projectId: null, jobId: null } as const
    const token = await makeToken(AUTH_SECRET, grant, now, now + HOUR_MS / 4)
    await page.route('**/api/admin/session', (route) =>
      route.fulfill({
        status: 201,
        json: { token, expires_at: new Date(now + HOUR_MS / 4).toISOString(), scope: 'admin' },
      }),
    )
    await page.goto(`${world.stack.url}/admin?tab=all`)
    await page.clock.runFor(1_000)
    await page.getByText('No job is like this.').waitFor()
  })

  test('opens a shared link that ends with a slash', async () => {
    const job = '0b5e7d1c-6a3e-4c7e-9a55-3f0d1f0a7b21'
    const page = await world.page()
    const token = await tokenOf(job)
    const asked = page.waitForRequest(`**/api/jobs/${job}`)
    await page.goto(`${world.stack.url}/jobs/${job}/#token=${token}`)
    expect((await asked).headers().authorization).toBe(`Bearer ${token}`)
  })
})
