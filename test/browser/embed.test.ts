import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser/browser.ts'
import { startWorld, type World } from '../support/browser/world.ts'

describeInBrowser('the client on a page of somebody else', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())

  test('the ten lines of the README show a progress bar, from another origin', async () => {
    await world.faults({ stall: { at_progress: 40, ms: 1000, times: 1 } })
    const { id } = await world.createJob()
    const snippet = await readmeSnippet()
    expect(snippet.trim().split('\n')).toHaveLength(10)
    const html = snippet.replaceAll('http://localhost:8787', world.stack.url).replace('JOB_ID', id)
    const shop = await serve(`<!doctype html><title>A shop that exports videos</title>${html}`)
    const page = await world.page()
    await page.goto(shop.url)
    const bar = () => page.locator('#bar').evaluate((element: HTMLProgressElement) => element.value)
    await expect.poll(bar, { timeout: 30_000 }).toBeGreaterThan(0)
    await expect.poll(() => page.locator('#text').textContent(), { timeout: 30_000 }).toBe('complete')
    expect(await bar()).toBe(100)
    await page.context().close()
    shop.close()
  })
})

/** The snippet as printed, with the names that its reader inserts. */
async function readmeSnippet(): Promise<string> {
  const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8')
  const [, html] = /^```html\n([\s\S]*?)^```$/m.exec(readme) ?? []
  if (!html) throw new Error('The README shows no page.')
  return html
}

/** A server of one page at its own origin. */
async function serve(html: string): Promise<{ url: string; close: () => void }> {
  const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(html))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() }
}
