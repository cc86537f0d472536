import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { expectAccessible } from './support/axe.ts'
import { describeInBrowser } from './support/browser.ts'
import { dropVideo, untilStatus } from './support/pages.ts'
import { startWorld, type World } from './support/world.ts'

const PHONE = { viewport: { width: 375, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }

describeInBrowser('for everyone', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({}))

  /** Every state that a page can be in, shown by a page of these options. */
  async function eachState(options: object, check: (page: Page) => Promise<void>): Promise<void> {
    const page = await world.page(options)
    await page.goto(`${world.stack.url}/?project=7`)
    await page.getByText('No exports yet').waitFor()
    await page.locator('.uppy-Dashboard-browse').waitFor()
    await check(page)

    await dropVideo(page, world.clip)
    await page.locator('.overlay-text').waitFor()
    await check(page)
    for (const type of [/crop/i, /trim/i]) {
      await page.getByRole('radio', { name: type }).check()
      await check(page)
    }

    await world.faults({ hold_queue: true })
    const { id } = await world.createJob()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'queued')
    await check(page)
    await world.faults({ stall: { at_progress: 30, ms: 2000, times: 1 } })
    await untilStatus(page, 'processing')
    await check(page)
    await untilStatus(page, 'complete')
    await page.locator('details.log summary').click()
    await check(page)

    await world.faults({ fail: { should_retry: false, message: 'The picture is too dark to see anything.' } })
    const failed = await world.createJob()
    await page.goto(`${world.stack.url}/jobs/${failed.id}`)
    await untilStatus(page, 'error')
    await check(page)

    await page.goto(world.stack.url)
    await page.locator('.row').first().waitFor()
    await check(page)
    await page.getByRole('button', { name: 'Delete' }).first().click()
    await page.getByRole('dialog').waitFor()
    await check(page)

    await page.goto(`${world.stack.url}/jobs/no-such-job`)
    await page.getByRole('alert').waitFor()
    await check(page)
    await page.goto(`${world.stack.url}/nowhere`)
    await page.getByText('There is no page here').waitFor()
    await check(page)
    await page.context().close()
  }

  test('axe-core finds nothing grave in light', () => eachState({ colorScheme: 'light' }, expectAccessible))

  test('axe-core finds nothing grave in dark', async () => {
    await eachState({ colorScheme: 'dark' }, async (page) => {
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      expect(background).toBe('rgb(14, 17, 21)')
      await expectAccessible(page)
    })
  })

  test('nothing is cut off on a phone', async () => {
    await eachState(PHONE, async (page) => {
      const { scroll, width } = await page.evaluate(() => ({
        scroll: document.documentElement.scrollWidth,
        width: innerWidth,
      }))
      expect(scroll, 'the page can be scrolled sideways').toBeLessThanOrEqual(width)
      await expectAccessible(page)
    })
  })

  test('nothing moves for those who asked for less motion', async () => {
    const page = await world.page({ reducedMotion: 'reduce' })
    await world.faults({ hold_queue: true })
    const { id } = await world.createJob()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'queued')
    const moving = await page.evaluate(
      () => document.getAnimations().filter((each) => each.playState === 'running').length,
    )
    expect(moving).toBe(0)
    await world.client.jobs.cancel(id)
  })

  test('the keyboard alone reaches a job and its buttons', async () => {
    const { id } = await world.createJob()
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'complete')
    const reached: string[] = []
    for (let presses = 0; presses < 12; presses++) {
      await page.keyboard.press('Tab')
      reached.push(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ''))
    }
    expect(reached).toEqual(
      expect.arrayContaining(['Skip to content', 'Studio', 'Copy link', 'Download', 'Delete']),
    )
  })
})
