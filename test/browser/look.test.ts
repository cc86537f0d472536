import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { expectAccessible } from '../support/browser/axe.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { untilStatus } from '../support/browser/pages.ts'
import { eachState } from '../support/browser/states.ts'
import { tooSmall } from '../support/browser/targets.ts'
import { startWorld, type World } from '../support/browser/world.ts'

const PHONE = { viewport: { width: 375, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }
/** More than thirty of them, some of which a worker must bring about. */
const ALL_STATES = { timeout: 300_000 }

describeInBrowser('for everyone', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({}))

  test('axe-core finds nothing grave in light', ALL_STATES, () =>
    eachState(world, { colorScheme: 'light' }, expectAccessible),
  )

  test('axe-core finds nothing grave in dark', ALL_STATES, async () => {
    await eachState(world, { colorScheme: 'dark' }, async (page, name) => {
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      if (!name.startsWith('docs')) expect(background).toBe('rgb(14, 17, 21)')
      await expectAccessible(page)
    })
  })

  test('nothing is cut off on a phone, or too small for a finger', ALL_STATES, async () => {
    await eachState(world, PHONE, async (page, name) => {
      // Not `innerWidth`: a page that is too wide is scaled down, which increases it.
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(width, `${name} can be scrolled sideways`).toBeLessThanOrEqual(PHONE.viewport.width)
      if (!name.startsWith('docs')) expect(await tooSmall(page), name).toEqual([])
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
    // A waiting job has no completed share: its stripes are as wide as the bar.
    const striped = await page
      .locator('.bar')
      .evaluate((bar) => [getComputedStyle(bar, '::after').width, getComputedStyle(bar).width])
    expect(striped[0]).toBe(striped[1])
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
