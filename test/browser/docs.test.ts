import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './support/browser.ts'
import { startWorld, type World } from './support/world.ts'

describeInBrowser('the page of the API', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())

  test('shows the document of this service, tries it, and asks nobody else', async () => {
    const page = await world.page()
    const origins = new Set<string>()
    const complaints: string[] = []
    page.on('request', (request) => void origins.add(new URL(request.url()).origin))
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
    await page.goto(`${world.stack.url}/docs`)
    await page.getByText('Create an export job').waitFor()
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

  test('a problem’s type leads to its explanation', async () => {
    const refused = await fetch(`${world.stack.url}/api/jobs?limit=0`)
    const { type }: { type: string } = await refused.json()
    const page = await world.page()
    await page.goto(type)
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Validation failed')
    expect(await page.getByText('JSON Pointer').count()).toBe(1)
  })
})
