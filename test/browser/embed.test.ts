import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './support/browser.ts'
import { startWorld, type World } from './support/world.ts'

describeInBrowser('the client on a page of somebody else', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())

  test('ten lines show a progress bar, from another origin', async () => {
    await world.faults({ stall: { at_progress: 40, ms: 1000, times: 1 } })
    const { id } = await world.createJob()
    const { url } = world.stack
    const shop = await serve(`<!doctype html>
      <title>A shop that exports videos</title>
      <progress id="bar" max="100" value="0"></progress> <output id="text"></output>
      <script type="module">
        import { createExports } from '${url}/client.js'
        const exportal = createExports({ baseUrl: '${url}' })
        const [bar, text] = [document.getElementById('bar'), document.getElementById('text')]
        const watch = exportal.jobs.watch('${id}', {
          onProgress: (percent, job) => { bar.value = percent; text.value = job.reason },
        })
        const job = await watch.done
        text.value = job.status
      </script>`)
    const page = await world.page()
    await page.goto(shop.url)
    await expect.poll(() => page.locator('#text').textContent(), { timeout: 30_000 }).toBe('complete')
    expect(await page.locator('#bar').evaluate((bar: HTMLProgressElement) => bar.value)).toBe(100)
    await page.context().close()
    shop.close()
  })
})

/** One page at an origin of its own. */
async function serve(html: string): Promise<{ url: string; close: () => void }> {
  const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(html))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() }
}
