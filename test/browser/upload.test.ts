import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectAccessible } from './support/axe.ts'
import { describeInBrowser } from './support/browser.ts'
import { createExport, dropVideo, row, untilStatus } from './support/pages.ts'
import { startWorld, type World } from './support/world.ts'

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
      // The second part never gets through before the reload.
      if (hold && sent.length === 1) return
      sent.push(new URL(route.request().url()).searchParams.get('part') ?? route.request().url())
      await route.continue()
    })
    await page.goto(world.stack.url)
    const stored = page.waitForResponse((response) => response.request().method() === 'PUT' && response.ok())
    await page.locator('.uppy-Dashboard-input').first().setInputFiles(large)
    await stored
    await expect.poll(() => page.getByRole('button', { name: /Uploading, [1-9]/ }).count()).toBe(1)
    // What survives a reload is written down a moment later.
    await expect.poll(() => page.evaluate(writtenDown)).toMatch(/percentage\W+[1-9]/)
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
})

/** The same video with a box behind it that players skip, so that the file has this many bytes. */
async function padded(path: string, size: number): Promise<Buffer> {
  const video = await readFile(path)
  const box = Buffer.alloc(8)
  box.writeUInt32BE(size - video.length)
  box.write('free', 4, 'latin1')
  return Buffer.concat([video, box, randomBytes(size - video.length - 8)])
}

/** Runs in the page: everything that it keeps for later, as text. */
async function writtenDown(): Promise<string> {
  const kept: unknown[] = [Object.entries(localStorage)]
  const settled = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  for (const { name = '' } of await indexedDB.databases()) {
    const db = await settled(indexedDB.open(name))
    for (const store of db.objectStoreNames)
      kept.push(await settled(db.transaction(store).objectStore(store).getAll()))
    db.close()
  }
  return JSON.stringify(kept)
}
