/** Input that comes faster than answers, twice, or where it was not expected. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser/browser.ts'
import { createExport, dropVideo, row, untilStatus } from '../support/browser/pages.ts'
import { startWorld, type World } from '../support/browser/world.ts'

/** A red square of 2 by 2 pixels. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=='

/** Holds matching requests until the returned function is called. */
async function held(page: Page, wanted: (url: URL) => boolean, method: string) {
  const waiting: Route[] = []
  let isHeld = true
  await page.route(wanted, (route) => {
    if (!isHeld || route.request().method() !== method) return route.fallback()
    waiting.push(route)
    return undefined
  })
  const release = async () => {
    isHeld = false
    for (const route of waiting.splice(0)) await route.continue()
  }
  return { waiting, release }
}

describeInBrowser('out of step', () => {
  let world: World
  let project = 900
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({}))

  const studio = async () => {
    const page = await world.page()
    await page.goto(`${world.stack.url}/?project=${++project}`)
    return page
  }

  test('a number is typed digit by digit, with zeros after its point', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    await page.getByRole('radio', { name: 'trim' }).check({ force: true })
    const start = page.getByRole('spinbutton', { name: 'Start' })
    await start.fill('')
    await start.pressSequentially('1.05')
    expect(await start.inputValue()).toBe('1.05')
  })

  test('an operator searches for a name with spaces', async () => {
    const page = await world.page()
    await page.goto(`${world.stack.url}/admin?tab=all`)
    const name = page.getByLabel('Name, id or RunPod id')
    await name.pressSequentially('my last film')
    expect(await name.inputValue()).toBe('my last film')
  })

  test('a search ends when a new export is created, and does not hide it', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    const search = page.getByRole('searchbox', { name: 'Search by name' })
    await search.fill('nothing is called this')
    await page.getByText('No export is like this.').waitFor()
    const id = await createExport(page)
    expect(await search.inputValue()).toBe('')
    expect(await row(page, id).count()).toBe(1)
  })

  test('what is changed while an image is uploaded stays changed', async () => {
    const image = join(world.dir, 'square.png')
    await writeFile(image, Buffer.from(PNG, 'base64'))
    const page = await studio()
    await dropVideo(page, world.clip)
    await page.getByRole('button', { name: 'Add image' }).click()
    const upload = await held(page, ({ pathname }) => pathname.startsWith('/api/videos'), 'POST')
    await page.getByLabel('Image', { exact: true }).setInputFiles(image)
    await expect.poll(() => upload.waiting.length).toBe(1)
    await page.locator('.item-title').first().click()
    await page.getByRole('textbox', { name: 'Text' }).fill('Changed meanwhile')
    await page.getByRole('button', { name: 'Move Image 2 up' }).click()
    await upload.release()
    await page.locator('.overlay-item img').waitFor()
    await page.getByText('Changed meanwhile').first().waitFor()
    expect(await page.locator('.item').count()).toBe(2)
  })

  test('Control and Z in a field that is not of the params leaves the params alone', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    await page.getByRole('textbox', { name: 'Text' }).fill('Kept')
    await page.getByRole('textbox', { name: 'Name of the export' }).pressSequentially('Reel')
    await page.keyboard.press('Control+z')
    expect(await page.getByRole('textbox', { name: 'Text' }).inputValue()).toBe('Kept')
  })

  test('a double click creates one export', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    const creations: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/api/jobs')) creations.push(request.url())
    })
    const create = page.getByRole('button', { name: 'Create export' })
    await create.click({ clickCount: 1 })
    await page.getByRole('link', { name: 'Follow it' }).waitFor()
    // The second click of the same double click, after the answer.
    await create.dispatchEvent('click', { detail: 2 })
    await page.locator('.row').first().waitFor()
    expect(creations).toHaveLength(1)
  })

  test('a double click on Cancel does not press the Retry that takes its place', async () => {
    await world.faults({ hold_queue: true })
    const page = await studio()
    const job = await world.createJob()
    await page.goto(`${world.stack.url}/jobs/${job.id}`)
    const cancel = page.getByRole('button', { name: 'Cancel' })
    const place = await cancel.boundingBox()
    if (!place) throw new Error('The button has no place on the page.')
    const [x, y] = [place.x + place.width / 2, place.y + place.height / 2]
    const retries: string[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/retry')) retries.push(request.url())
    })
    await page.mouse.click(x, y)
    await untilStatus(page, 'cancelled')
    const after = await page.getByRole('button', { name: 'Retry' }).boundingBox()
    if (!after) throw new Error('The button has no place on the page.')
    await page.mouse.move(after.x + after.width / 2, after.y + after.height / 2)
    await page.mouse.down({ clickCount: 2 })
    await page.mouse.up({ clickCount: 2 })
    await page.evaluate(() => 0)
    expect(retries).toEqual([])
  })

  test('a sample that does not come is said, and nothing is uploaded in its place', async () => {
    const page = await studio()
    await page.route('**/sample.mp4', (route) => route.fulfill({ status: 404, body: 'Not found' }))
    await page.getByRole('button', { name: 'Try a sample' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.locator('.source').count()).toBe(0)
  })

  test('a file dropped beside its place does not replace the page', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    const isPrevented = (type: string) =>
      page.evaluate((type) => {
        const dataTransfer = new DataTransfer()
        dataTransfer.items.add(new File(['x'], 'film.mp4', { type: 'video/mp4' }))
        const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true })
        document.querySelector('h2')?.dispatchEvent(event)
        return event.defaultPrevented
      }, type)
    expect([await isPrevented('dragover'), await isPrevented('drop')]).toEqual([true, true])
  })

  test('a list that answers slower than it is refreshed is shown', async () => {
    const page = await world.page()
    await page.clock.install()
    const slow = await held(page, ({ pathname }) => pathname === '/api/admin/jobs', 'GET')
    await page.goto(`${world.stack.url}/admin?tab=all`)
    await page.getByRole('heading', { name: 'All jobs' }).waitFor()
    await page.clock.runFor(300)
    await expect.poll(() => slow.waiting.length).toBeGreaterThan(0)
    const before = slow.waiting.length
    await page.clock.runFor(9_000)
    await page.evaluate(() => 0)
    expect(slow.waiting.length).toBe(before)
  })

  test('a list that is behind does not take back what a row has shown', async () => {
    const { id } = await world.createJob({ metadata: { faults: { hold_queue: true } } })
    const answer = await fetch(`${world.stack.url}/api/jobs?project_id=1&limit=50`)
    const behind = await answer.text()
    const page = await world.page()
    await page.goto(`${world.stack.url}/?project=1`)
    await row(page, id).getByRole('button', { name: 'Cancel' }).click()
    await untilStatus(row(page, id), 'cancelled')
    await page.route(
      ({ pathname }) => pathname === '/api/jobs',
      (route) => route.fulfill({ contentType: 'application/json', body: behind }),
    )
    const answered = page.waitForResponse((response) => new URL(response.url()).pathname === '/api/jobs')
    await page.evaluate(() => dispatchEvent(new Event('online')))
    await answered
    await page.evaluate(() => new Promise(requestAnimationFrame))
    expect(await row(page, id).locator('.badge').getAttribute('data-status')).toBe('cancelled')
  })
})
