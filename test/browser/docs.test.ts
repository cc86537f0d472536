import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectAccessible } from '../support/browser/axe.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { startWorld, type World } from '../support/browser/world.ts'

/** On a quiet computer the median of three; elsewhere one is sufficient, since the difference is large. */
const ROUNDS = process.env.FIGURES === '1' ? 3 : 1

describeInBrowser('the page of the API', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())

  test('is read at once, in a third of the time of the console at most, with every call in three languages', async () => {
    const usable = async (path: string, sign: string) => {
      const page = await world.page({ colorScheme: 'dark' })
      const from = Date.now()
      await page.goto(`${world.stack.url}${path}`, { waitUntil: 'commit' })
      await page.getByText(sign).first().waitFor({ timeout: 60_000 })
      return { page, ms: Date.now() - from }
    }
    const times = { docs: [] as number[], console: [] as number[] }
    for (let round = 0; round < ROUNDS; round++) {
      const docs = await usable('/docs', 'Create an export job')
      const console = await usable('/docs/console', 'Create an export job')
      times.docs.push(docs.ms)
      times.console.push(console.ms)
      await Promise.all([docs.page.context().close(), console.page.context().close()])
    }
    const middle = (all: number[]) => all.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN
    console.log('ms until usable:', times)
    expect(middle(times.docs)).toBeLessThanOrEqual(middle(times.console) * 0.3)

    const { page } = await usable('/docs', 'Create an export job')
    await expectAccessible(page)
    await page.getByRole('link', { name: 'Create an export job' }).click()
    const call = page.getByRole('region', { name: 'Create an export job' })
    for (const language of ['curl', 'JavaScript', 'Python']) {
      // The first is open already.
      if (language !== 'curl') await call.getByText(language, { exact: true }).click()
      await call.locator('.samples details[open] pre').filter({ hasText: 'api/jobs' }).waitFor()
    }
    await expectAccessible(page)
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(20, 24, 29)')
    await call.getByRole('link', { name: /^Try it/ }).click()
    await page.locator('#operations-Jobs-createJob.is-open').waitFor({ timeout: 60_000 })
  })

  test('has a console that tries the calls, and asks nobody else', async () => {
    const page = await world.page()
    const origins = new Set<string>()
    const complaints: string[] = []
    page.on('request', (request) => void origins.add(new URL(request.url()).origin))
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
    await page.goto(`${world.stack.url}/docs/console`)
    await page.getByText('Create an export job').waitFor({ timeout: 60_000 })
    expect(await page.locator('.opblock').count()).toBeGreaterThan(30)

    const health = page.locator('#operations-Service-readHealth')
    await health.locator('.opblock-summary-control').click()
    await health.getByRole('button', { name: 'Try it out' }).click()
    await health.getByRole('button', { name: 'Execute' }).click()
    await health.locator('.live-responses-table').getByText('"development"').first().waitFor()

    const own = new URL(world.stack.url).origin
    expect([...origins].filter((origin) => origin !== own && origin !== 'null')).toEqual([])
    expect(complaints).toEqual([])
  })

  test('the guides are served beside it, without a script', async () => {
    const page = await world.page()
    const complaints: string[] = []
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
    await page.goto(`${world.stack.url}/docs`)
    await page.getByRole('link', { name: 'Guides', exact: true }).click()
    await page.getByRole('main').getByRole('link', { name: 'Going live' }).click()
    await page.getByRole('link', { name: 'the checks' }).click()
    expect(new URL(page.url()).pathname + new URL(page.url()).hash).toBe('/docs/deploy#checks')
    await page.getByRole('heading', { name: 'Checks' }).waitFor()
    await expectAccessible(page)
    expect(complaints).toEqual([])
  })

  test('a problem’s type leads to its explanation', async () => {
    const refused = await fetch(`${world.stack.url}/api/jobs?limit=0`)
    const { type }: { type: string } = await refused.json()
    const page = await world.page()
    await page.goto(type)
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Validation failed')
    expect(await page.getByText('JSON Pointer').count()).toBe(1)
  })
})
