import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { probe } from '../../scripts/clip.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { videoHost } from '../support/browser/files.ts'
import { createExport, dropVideo, pixel, play, row, untilStatus } from '../support/browser/pages.ts'
import { startWorld, type World } from '../support/browser/world.ts'

/** A red square of 2 by 2 pixels. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=='

describeInBrowser('the studio', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({}))

  test('a video is dropped, exported with an overlay, followed live, played and downloaded', async () => {
    await world.faults({ stall: { at_progress: 30, ms: 1500, times: 1 } })
    const page = await world.page({ acceptDownloads: true })
    await page.goto(world.stack.url)
    await page.getByText('No exports yet').waitFor()
    await dropVideo(page, world.clip)
    await page.getByRole('textbox', { name: 'Text' }).fill('Summer')
    expect(await page.locator('.overlay-text').textContent()).toBe('Summer')

    const id = await createExport(page)
    await untilStatus(row(page, id), 'processing')
    expect(await row(page, id).locator('.row-note').textContent()).toMatch(/\d+ % · \w+/)
    await untilStatus(row(page, id), 'complete')

    await row(page, id).locator('.row-name').click()
    await page.waitForURL(`**/jobs/${id}`)
    const source = page.getByLabel('Source', { exact: true })
    const result = page.getByLabel('Result', { exact: true })
    const shown = await play(result)
    expect(shown).toMatchObject({ width: 1280, height: 720 })
    await play(source)
    // The background of the text is #101820 where the test picture is bright red.
    const [before, after] = await Promise.all([pixel(source, 0.055, 0.81), pixel(result, 0.055, 0.81)])
    expect(before[0]).toBeGreaterThan(200)
    expect(Math.max(...after)).toBeLessThan(60)

    const saving = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    const path = join(world.dir, 'saved.mp4')
    await (await saving).saveAs(path)
    expect(await probe(path)).toMatchObject({ width: 1280, height: 720 })
  })

  test('a video that lies elsewhere is named by its address, previewed and exported, with a poster', async () => {
    const { host, stop } = await videoHost(world.clip)
    onTestFinished(stop)
    const page = await world.page()
    await page.goto(world.stack.url)
    const field = page.getByLabel('Or the address of a video')
    await field.fill('no address')
    await page.getByRole('button', { name: 'Use it' }).click()
    expect(await field.isVisible()).toBe(true)
    await field.fill(`http://${host}/films/elsewhere.mp4?key=of-this-visit`)
    await page.getByRole('button', { name: 'Use it' }).click()
    expect(await page.locator('.source').textContent()).toContain('elsewhere.mp4')
    await page.locator('.stage video').waitFor()
    const id = await createExport(page)
    expect(await row(page, id).locator('.row-name').textContent()).toBe('elsewhere.mp4')
    await untilStatus(row(page, id), 'complete')
    await row(page, id).locator('.row-name').click()
    await page.getByText(`It lies at ${host}.`).waitFor({ state: 'attached' })
    const result = page.getByLabel('Result', { exact: true })
    const poster = await result.getAttribute('poster')
    const size = await page.evaluate(async (url) => {
      const image = new Image()
      image.src = url
      await image.decode()
      return [image.naturalWidth, image.naturalHeight]
    }, poster ?? '')
    expect(size).toEqual([1280, 720])
    await page.goto(world.stack.url)
    await page.getByLabel('Or the address of a video').waitFor()
  })

  test('the preview moves with the form, and the form with the preview', async () => {
    const page = await world.page()
    await page.goto(world.stack.url)
    await dropVideo(page, world.clip)
    const item = page.locator('.overlay-item')
    await item.focus()
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowUp']) await page.keyboard.press(key)
    expect(await page.getByRole('slider', { name: 'From left' }).inputValue()).toBe('0.07')
    expect(await page.getByRole('slider', { name: 'From top' }).inputValue()).toBe('0.79')

    const frame = await page.locator('.stage-frame').boundingBox()
    const box = await item.boundingBox()
    if (!frame || !box) throw new Error('The preview has no place on the page.')
    await page.mouse.move(box.x + 5, box.y + 5)
    await page.mouse.down()
    await page.mouse.move(box.x + 5 + frame.width / 2, box.y + 5 - frame.height / 2, { steps: 4 })
    await page.mouse.up()
    expect(Number(await page.getByRole('slider', { name: 'From left' }).inputValue())).toBeCloseTo(0.57, 1)
    expect(Number(await page.getByRole('slider', { name: 'From top' }).inputValue())).toBeCloseTo(0.29, 1)

    await page.getByRole('radio', { name: /crop/i }).check()
    const kept = await page.locator('.crop-area').boundingBox()
    expect((kept?.width ?? 0) / (kept?.height ?? 1)).toBeCloseTo(9 / 16, 1)
    await page.getByRole('radio', { name: 'Free' }).check()
    await page.getByRole('slider', { name: 'Width' }).fill('0.5')
    expect((await page.locator('.crop-area').boundingBox())?.width).toBeCloseTo(frame.width / 2, -1)

    await page.getByRole('radio', { name: /trim/i }).check()
    await page.getByRole('slider', { name: 'Start of what is kept' }).fill('1.5')
    expect(await page.getByLabel('Start (s)').inputValue()).toBe('1.5')
    await page.getByText('Keeps 0:02.5 of 0:04.0').waitFor()
  })

  test('an image is uploaded, shown in the preview, and burned in', async () => {
    const image = join(world.dir, 'logo.png')
    await writeFile(image, Buffer.from(PNG, 'base64'))
    const page = await world.page()
    await page.goto(world.stack.url)
    await dropVideo(page, world.clip)
    await page.getByRole('button', { name: 'Remove Text 1' }).click()
    await page.getByRole('button', { name: 'Add image' }).click()
    await page.getByLabel('Image', { exact: true }).setInputFiles(image)
    await page.locator('.overlay-item img').waitFor()
    await page.getByRole('slider', { name: 'From left' }).fill('0.6')
    const id = await createExport(page)
    await untilStatus(row(page, id), 'complete')
    const job = await world.client.jobs.get(id)
    expect(job.params).toMatchObject({ items: [{ type: 'image', x: 0.6 }] })
    expect((await readFile(image)).length).toBeGreaterThan(0)
  })

  test('what the service refuses stands at the field that it refused', async () => {
    const page = await world.page()
    await page.goto(world.stack.url)
    await dropVideo(page, world.clip)
    await page.getByRole('textbox', { name: 'Text' }).fill('')
    await page.getByRole('button', { name: 'Create export' }).click()
    const field = page.locator('textarea[aria-invalid="true"]')
    await field.waitFor()
    await expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true)
    const described = await field.getAttribute('aria-describedby')
    expect(await page.locator(`[id="${described}"]`).textContent()).not.toBe('')
  })

  test('a reload keeps the uploaded video and what was typed', async () => {
    const page = await world.page()
    await page.goto(world.stack.url)
    await dropVideo(page, world.clip)
    await page.getByRole('textbox', { name: 'Text' }).fill('Kept')
    await page.reload()
    await page.getByText('holiday.mp4').first().waitFor()
    expect(await page.getByRole('textbox', { name: 'Text' }).inputValue()).toBe('Kept')
    const id = await createExport(page)
    await untilStatus(row(page, id), 'complete')
  })

  test('a file that is no video never leaves the computer', async () => {
    const path = join(world.dir, 'notes.txt')
    await writeFile(path, 'not a video')
    const page = await world.page()
    await page.goto(world.stack.url)
    await page.locator('.file-input').setInputFiles(path)
    await page.getByText('Only videos can be exported.').first().waitFor()
    expect(await page.locator('.workbench').count()).toBe(0)
  })

  test('neither does one that is empty', async () => {
    const path = join(world.dir, 'empty.mp4')
    await writeFile(path, '')
    const page = await world.page()
    await page.goto(world.stack.url)
    await page.locator('.file-input').setInputFiles(path)
    await page.getByText('This file is empty.').first().waitFor()
    expect(await page.locator('.workbench').count()).toBe(0)
  })

  test('an image that is empty is said to be so', async () => {
    const page = await world.page()
    await page.goto(world.stack.url)
    await dropVideo(page, world.clip)
    await page.getByRole('button', { name: 'Add image' }).click()
    const empty = { name: 'logo.png', mimeType: 'image/png', buffer: Buffer.alloc(0) }
    await page.locator('.image-control input[type=file]').setInputFiles(empty)
    await page.getByText('This file is empty.').waitFor()
  })

  test.each([
    [0, 'That is no file.'],
    [2, 'One video at a time'],
  ])('%i files that are dropped at once are answered by a sentence', async (count, sentence) => {
    const page = await world.page()
    await page.goto(world.stack.url)
    const dataTransfer = await page.evaluateHandle((files) => {
      const transfer = new DataTransfer()
      for (let nth = 0; nth < files; nth++)
        transfer.items.add(new File(['video'], `${nth}.mp4`, { type: 'video/mp4' }))
      return transfer
    }, count)
    await page.locator('.drop-zone').dispatchEvent('drop', { dataTransfer })
    await page.getByText(sentence).waitFor()
    expect(await page.locator('.workbench').count()).toBe(0)
  })
})
