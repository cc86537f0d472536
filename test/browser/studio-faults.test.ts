/** Past failures of the studio, each reproduced as its user encountered it. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser/browser.ts'
import { dropVideo } from '../support/browser/pages.ts'
import { makeFilm } from '../support/browser/texts.ts'
import { startWorld, type World } from '../support/browser/world.ts'

/** A red square of 2 by 2 pixels. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=='

describeInBrowser('the studio', () => {
  let world: World
  let project = 700
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())

  const studio = async () => {
    const page = await world.page()
    await page.goto(`${world.stack.url}/?project=${++project}`)
    return page
  }

  test('shows the image of an overlay after a reload, and never loses the focus with an item', async () => {
    const image = join(world.dir, 'square.png')
    await writeFile(image, Buffer.from(PNG, 'base64'))
    const page = await studio()
    await dropVideo(page, world.clip)
    await page.getByRole('button', { name: 'Add image' }).click()
    await page.getByLabel('Image', { exact: true }).setInputFiles(image)
    await page.locator('.overlay-item img').waitFor()
    await page.reload()
    const width = () =>
      page.locator('.overlay-item img').evaluate((each: HTMLImageElement) => each.naturalWidth)
    await expect.poll(width).toBe(2)
    await page.getByRole('button', { name: 'Remove Text 1' }).click()
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('OL')
  })

  test('holds a long text in its form, and the first text in an upright picture', async () => {
    const page = await studio()
    await dropVideo(page, await makeFilm(world, 'tall'))
    const [frame, text] = [
      await page.locator('.stage-frame').boundingBox(),
      await page.locator('.overlay-text').boundingBox(),
    ]
    if (!frame || !text) throw new Error('The preview has no place on the page.')
    expect(text.x).toBeGreaterThanOrEqual(frame.x)
    expect(text.x + text.width).toBeLessThanOrEqual(frame.x + frame.width)
    expect(text.y + text.height).toBeLessThanOrEqual(frame.y + frame.height)

    await page.getByRole('textbox', { name: 'Text' }).fill('W'.repeat(400))
    const spread = await page
      .locator('.workbench-form')
      .evaluate((form) => [
        form.scrollWidth - form.clientWidth,
        document.documentElement.scrollWidth - innerWidth,
      ])
    expect(Math.max(...spread)).toBeLessThanOrEqual(0)
  })

  test('says of a file of noise that it may be no video, and shows no dead player', async () => {
    const noise = join(world.dir, 'noise.mp4')
    await writeFile(noise, randomBytes(200_000))
    const page = await studio()
    await dropVideo(page, noise)
    await page.getByText('if it is none, the export fails and says so').waitFor()
    expect(await page.locator('.stage video').count()).toBe(0)
    expect(await page.getByText('not affected').count()).toBe(0)
  })

  test('says a refusal once, at its field, and takes it back with the fault', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    const field = page.getByRole('textbox', { name: 'Text' })
    await field.fill('')
    await page.getByRole('button', { name: 'Create export' }).click()
    await page.locator('textarea[aria-invalid="true"]').waitFor()
    const words = (await page.locator('.workbench-form .field-error').textContent()) ?? ''
    expect(await page.getByText(words, { exact: true }).count()).toBe(1)
    expect(await page.locator('body').textContent()).not.toContain('/params/')
    await field.fill('Not empty')
    await expect.poll(() => page.locator('[aria-invalid="true"]').count()).toBe(0)
    await expect.poll(() => page.getByRole('alert').count()).toBe(0)
  })
})
