import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { expectAccessible } from './support/axe.ts'
import { describeInBrowser } from './support/browser.ts'
import { untilStatus } from './support/pages.ts'
import { eachState } from './support/states.ts'
import { startWorld, type World } from './support/world.ts'

const PHONE = { viewport: { width: 375, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }

describeInBrowser('for everyone', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({}))

  test('axe-core finds nothing grave in light', () =>
    eachState(world, { colorScheme: 'light' }, expectAccessible))

  test('axe-core finds nothing grave in dark', async () => {
    await eachState(world, { colorScheme: 'dark' }, async (page) => {
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      expect(background).toBe('rgb(14, 17, 21)')
      await expectAccessible(page)
    })
  })

  test('nothing is cut off on a phone', async () => {
    await eachState(world, PHONE, async (page) => {
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
