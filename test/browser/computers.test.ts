/** Pages on computers that differ: a wrong clock, forced colours. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser/browser.ts'
import { dropVideo, row, untilStatus } from '../support/browser/pages.ts'
import { startWorld, type World } from '../support/browser/world.ts'

describeInBrowser('on another computer', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())

  test.each([-1, 1])('whose clock is wrong by %i hours, times are those of the service', async (hours) => {
    const { id } = await world.createJob({ metadata: { faults: { hold_queue: true } } })
    const page = await world.page()
    await page.clock.install({ time: Date.now() + hours * 3_600_000 })
    // As Cloudflare's edge does; a local workerd leaves the header out.
    await page.route(/\/api\/jobs\b/, async (route) => {
      const response = await route.fetch({
        headers: { ...route.request().headers(), 'Sec-Fetch-Site': 'same-origin' },
      })
      const headers = { 'Content-Type': 'application/json', Date: new Date().toUTCString() }
      await route.fulfill({ status: response.status(), headers, body: await response.text() })
    })
    await page.goto(`${world.stack.url}/?project=1`)
    const ago = await row(page, id).locator('time').textContent()
    expect(ago).toMatch(/^now$|^\d+ s ago$/)
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'queued')
    await page.locator('.job-details > summary').click()
    expect(await page.locator('.next').textContent()).toMatch(/in \d+ (s|min)/)
    await world.client.jobs.cancel(id)
  })

  test('with forced colours, shares and choices are seen', async () => {
    const page = await world.page({ forcedColors: 'active' })
    /** Whether its background is not that of the page. */
    const differs = async (selector: string) => {
      const [own, ofPage] = await page
        .locator(selector)
        .evaluate((element) => [element, document.body].map((each) => getComputedStyle(each).backgroundColor))
      expect(own, selector).not.toBe(ofPage)
    }
    await page.goto(`${world.stack.url}/?project=77`)
    await dropVideo(page, world.clip)
    await differs('.segments.types input:checked + span')
    const { id } = await world.createJob({ metadata: { faults: { hold_queue: true } } })
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'queued')
    await differs('.bar-fill')
    await world.client.jobs.cancel(id)
  })

  test('with forced colours, the preview shows what will be drawn', async () => {
    const page = await world.page({ forcedColors: 'active' })
    const drawn = (selector: string) =>
      page.locator(selector).evaluate((element) => {
        const { color, backgroundColor, boxShadow } = getComputedStyle(element)
        return { color, backgroundColor, boxShadow }
      })
    await page.goto(`${world.stack.url}/?project=78`)
    await dropVideo(page, world.clip)
    // As the first text has them.
    const colors = { color: 'rgb(255, 255, 255)', backgroundColor: 'rgb(16, 24, 32)' }
    expect(await drawn('.overlay-text')).toMatchObject(colors)
    await page.getByRole('radio', { name: 'crop' }).check()
    // What is cut off is dimmed by a shadow.
    expect((await drawn('.crop-area')).boxShadow).toContain('rgba(0, 0, 0, 0.62)')
  })
})
