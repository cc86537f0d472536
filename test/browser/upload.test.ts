import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectAccessible } from '../support/browser/axe.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { createExport, dropVideo, row, untilStatus } from '../support/browser/pages.ts'
import { startWorld, type World } from '../support/browser/world.ts'

const MIB = 1024 * 1024

describeInBrowser('large uploads', () => {
  let world: World
  let large: string
  beforeAll(async () => {
    world = await startWorld(4, { MAX_PUT_BYTES: '6000000' })
    large = join(world.dir, 'large.mp4')
    await writeFile(large, await padded(world.clip, 16 * MIB))
  })
  afterAll(() => world?.close())

  test('go in parts, and the job gets the whole file', async () => {
    const page = await world.page()
    const parts: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'PUT') parts.push(request.url())
    })
    await page.goto(world.stack.url)
    await dropVideo(page, large)
    expect(new Set(parts).size).toBeGreaterThan(2)
    const id = await createExport(page)
    await untilStatus(row(page, id), 'complete')
  })

  test('go on after a reload where they stood', async () => {
    const page = await world.page()
    const sent: string[] = []
    let hold = true
    await page.route('**/api/uploads/part/**', async (route) => {
      if (route.request().method() !== 'PUT') return route.continue()
      // The second part is never stored before the reload.
      if (hold && sent.length === 1) return
      sent.push(new URL(route.request().url()).searchParams.get('part') ?? route.request().url())
      await route.continue()
    })
    await page.goto(world.stack.url)
    const stored = page.waitForResponse((response) => response.request().method() === 'PUT' && response.ok())
    await page.locator('.file-input').setInputFiles(large)
    await stored
    await expect.poll(() => page.getByRole('button', { name: /Uploading, [1-9]/ }).count()).toBe(1)
    await page.reload()
    hold = false
    await page.getByText(/The upload of large.mp4 broke off at [1-9]\d? %/).waitFor()
    await expectAccessible(page)
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Choose it again' }).click(),
    ])
    await chooser.setFiles(large)
    await page.getByRole('button', { name: 'Create export' }).waitFor()
    expect(new Set(sent).size).toBe(sent.length)
    const id = await createExport(page)
    await untilStatus(row(page, id), 'complete')
  })

  test('of one tab are left alone by another, until that tab is closed', async () => {
    const page = await world.page()
    const other = await page.context().newPage()
    let parts = 0
    await page.route('**/api/uploads/part/**', (route) => (++parts < 2 ? route.continue() : undefined))
    await page.goto(world.stack.url)
    const stored = page.waitForResponse((response) => response.request().method() === 'PUT' && response.ok())
    await page.locator('.file-input').setInputFiles(large)
    await stored
    await expect.poll(() => page.getByRole('button', { name: /Uploading, [1-9]/ }).count()).toBe(1)

    await other.goto(world.stack.url)
    await other.getByText('Drop a video here').waitFor()
    await dropVideo(other, large)
    await page.close()
    const third = await other.context().newPage()
    await third.goto(world.stack.url)
    await third.getByText(/The upload of large.mp4 broke off at [1-9]\d? %/).waitFor()
    const kept = () => third.evaluate(() => localStorage.getItem('exportal:upload:1'))
    expect(await kept()).not.toBeNull()
    await third.getByRole('button', { name: 'Forget it' }).click()
    // It waits for the turn of this tab.
    await expect.poll(kept).toBeNull()
    await third.reload()
    await third.getByText('Drop a video here').waitFor()
    expect(await third.getByText('broke off').count()).toBe(0)
  })
})

/** The same video with a box after it that players skip, so that the file has this many bytes. */
async function padded(path: string, size: number): Promise<Buffer> {
  const video = await readFile(path)
  const box = Buffer.alloc(8)
  box.writeUInt32BE(size - video.length)
  box.write('free', 4, 'latin1')
  return Buffer.concat([video, box, randomBytes(size - video.length - 8)])
}
