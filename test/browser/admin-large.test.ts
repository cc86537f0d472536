/** A job with 5,000 events: shown at once, and only visible rows are rendered. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser/browser.ts'
import { startWorld, type World } from '../support/browser/world.ts'

const EVENTS = 5_000
const FIRST_PAINT_MS = 1_000
/** One frame in twenty may be late; none by more than this. */
const LATE_FRAME_MS = 50
/** Enforced on a quiet computer only: `FIGURES=1 npm run test:browser admin-large`. Otherwise only printed. */
const HELD = process.env.FIGURES === '1'

describeInBrowser('a job with 5,000 events', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(2)
  })
  afterAll(() => world?.close())

  test('is painted at once, and scrolls without holding rows that nobody sees', async () => {
    const { id } = await world.createJob({ metadata: { faults: { hold_queue: true } } })
    const page = await world.page()
    // The service's own answer for a job with few events, with its log lengthened and otherwise unchanged.
    const answer = await fetch(`${world.stack.url}/api/admin/jobs/${id}`)
    const body: object = JSON.parse(await answer.text())
    await page.route(`**/api/admin/jobs/${id}?*`, (route) => {
      const query = new URL(route.request().url()).searchParams
      const below = Number(query.get('before')) || EVENTS + 1
      const events = query.has('after') ? [] : linesBelow(below, Number(query.get('limit')))
      return route.fulfill({ json: { ...body, log: { events, first_seq: 1, last_seq: EVENTS } } })
    })
    await page.addInitScript(() => {
      const look = () => {
        if (!document.querySelector('.event-row')) return requestAnimationFrame(look)
        return requestAnimationFrame(() => Object.assign(globalThis, { paintedMs: performance.now() }))
      }
      requestAnimationFrame(look)
    })
    await page.goto(`${world.stack.url}/admin/jobs/${id}`)
    await page.locator('.event-row').first().waitFor()
    await page.waitForFunction(() => 'paintedMs' in globalThis)
    const painted = await page.evaluate(() => (globalThis as unknown as { paintedMs: number }).paintedMs)
    console.log(`first paint of the log: ${painted.toFixed(0)} ms after the navigation began`)
    if (HELD) expect(painted).toBeLessThan(FIRST_PAINT_MS)
    await page.locator('#events-title span', { hasText: new RegExp(`^${EVENTS}$`) }).waitFor()
    const rows = page.locator('.event-rows')
    const frames = await rows.evaluate(async (element) => {
      const taken: number[] = []
      let last = performance.now()
      for (let i = 0; i <= 120; i++) {
        element.scrollTop = (element.scrollHeight * i) / 120
        await new Promise(requestAnimationFrame)
        const now = performance.now()
        taken.push(now - last)
        last = now
      }
      return taken.sort((a, b) => a - b)
    })
    console.log(
      `frames while scrolling: median ${frames[60]?.toFixed(1)} ms, worst ${frames.at(-1)?.toFixed(1)} ms`,
    )
    if (HELD) expect(frames[Math.floor(frames.length * 0.95)]).toBeLessThan(LATE_FRAME_MS)
    expect(await page.locator('.event-row').count()).toBeLessThan(60)
    await page.locator('.event-row').last().waitFor()
    expect(await page.locator('.event-row').last().textContent()).toContain(String(EVENTS))
    await page.getByRole('textbox', { name: 'Search the events' }).fill('4999')
    await expect.poll(() => page.locator('.event-row').count()).toBe(1)
    await world.client.jobs.cancel(id)
  })
})

function linesBelow(below: number, limit: number): object[] {
  const first = Math.max(1, below - limit)
  return Array.from({ length: below - first }, (_, i) => ({
    seq: first + i,
    type: (first + i) % 50 === 0 ? 'attempt_failed' : 'stage',
    at: new Date(Date.UTC(2026, 0, 1) + (first + i) * 1_000).toISOString(),
    round: 1,
    attempt: 1,
    data: { stage: 'rendering', message: `frame ${first + i}` },
  }))
}
