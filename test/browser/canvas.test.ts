/** The studio as a workspace: one screen, a canvas, a timeline, undo; by pointer, by touch, by keyboard alone. */
import { gzipSync } from 'node:zlib'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { expectAccessible } from '../support/browser/axe.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { createExport, dropVideo, row, untilStatus } from '../support/browser/pages.ts'
import { tooSmall } from '../support/browser/targets.ts'
import { startWorld, type World } from '../support/browser/world.ts'

const PHONE = { viewport: { width: 375, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }
const DESK = { viewport: { width: 1280, height: 800 } }

describeInBrowser('the canvas', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({}))

  const studio = async (options: object = DESK) => {
    const page = await world.page(options)
    await page.goto(`${world.stack.url}/?project=${++project}`)
    return page
  }
  let project = 100

  test('a first visit loads 60 kB of script at most, and says what it takes and where it goes', async () => {
    const page = await world.page(DESK)
    const scripts: Promise<Buffer>[] = []
    page.on('response', (response) => {
      if (/\.js$/.test(new URL(response.url()).pathname)) scripts.push(response.body())
    })
    await page.goto(`${world.stack.url}/?project=${++project}`)
    await page.getByText('No exports yet').waitFor()
    const bytes = (await Promise.all(scripts)).reduce((sum, body) => sum + gzipSync(body).length, 0)
    console.log('script of the first load, gzip:', bytes)
    expect(bytes).toBeLessThanOrEqual(60_000)
    for (const words of ['MP4, MOV, WebM', 'up to 5 GB', 'stored by this service alone']) {
      expect(await page.getByText(words).count()).toBe(1)
    }
  })

  test('all of it is on one screen, and nothing moves from the drop until it is ready', async () => {
    const page = await studio()
    await page.getByText('No exports yet').waitFor()
    await page.evaluate(watchShifts)
    await dropVideo(page, world.clip)
    await page.locator('.overlay-text').waitFor()
    for (const part of ['.source', '.stage-frame', '.timeline', '.workbench-form', '.submit button']) {
      const box = await boxOf(page.locator(part))
      expect(box.y, part).toBeGreaterThanOrEqual(0)
      expect(box.y + box.height, part).toBeLessThanOrEqual(800)
    }
    expect(await page.locator('.outcome').textContent()).toBe('1280 × 720 · 0:04.0 · MP4')
    const shift = await page.evaluate(() => (globalThis as unknown as { shift: number }).shift)
    console.log('layout shift from drop to ready:', shift)
    expect(shift).toBeLessThanOrEqual(0.05)
  })

  test('an item is selected with its row, moved to rest at the middle, kept inside, made larger, removed', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    await page.getByRole('button', { name: 'Add text' }).click()
    await page.getByRole('textbox', { name: 'Text' }).fill('Second')
    const [first, second] = [page.locator('.overlay-item').first(), page.locator('.overlay-item').nth(1)]
    await first.click()
    expect(await page.getByRole('textbox', { name: 'Text' }).inputValue()).toBe('Made with Exportal')
    expect(await page.locator('.track[data-selected="true"]').textContent()).toContain('Made with Exportal')
    expect(await page.locator('.overlay-place[data-selected="true"]').count()).toBe(1)

    const frame = await boxOf(page.locator('.stage-frame'))
    const before = await boxOf(first)
    // Five pixels beside the middle: it snaps there.
    const toMiddle = frame.x + frame.width / 2 - (before.x + before.width / 2)
    await drag(page, first, toMiddle + 5, 0, async () => {
      expect(await page.locator('.snap-line').count()).toBeGreaterThan(0)
    })
    const rested = await boxOf(first)
    expect(Math.abs(rested.x + rested.width / 2 - (frame.x + frame.width / 2))).toBeLessThan(1.5)
    expect(await page.locator('.snap-line').count()).toBe(0)

    await drag(page, first, 3000, 3000)
    const far = await boxOf(first)
    expect((frame.y + frame.height - far.y) / far.height).toBeGreaterThan(0.09)
    expect(far.x).toBeLessThan(frame.x + frame.width - 2)

    await second.click()
    const small = await boxOf(second)
    await drag(page, page.getByRole('button', { name: /^Size of the text/ }), 0, small.height)
    expect((await boxOf(second)).height).toBeGreaterThan(small.height * 1.6)

    await second.dblclick()
    await page.keyboard.type('Typed here')
    expect(await second.textContent()).toBe('Typed here')
    await second.focus()
    await page.keyboard.press('Delete')
    expect(await page.locator('.overlay-item').count()).toBe(1)
    expect(await page.evaluate(() => document.activeElement?.className)).toBe('stage')
  })

  test('what was done is undone and done again, a drag as one step', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    const item = page.locator('.overlay-item')
    const place = () => page.getByRole('slider', { name: 'From left' }).inputValue()
    expect(await place()).toBe('0.05')
    // However long it rests on the way.
    await drag(page, item, 60, -40, async () => {
      await page.evaluate(() => {
        const now = Date.now.bind(Date)
        Date.now = () => now() + 60_000
      })
      await moveBy(page, item, 60, -40)
    })
    const moved = await place()
    expect(moved).not.toBe('0.05')
    await page.keyboard.press('Control+z')
    expect(await place()).toBe('0.05')
    await page.keyboard.press('Control+Shift+z')
    expect(await place()).toBe(moved)
    await page.getByRole('button', { name: 'Undo' }).click()
    expect(await place()).toBe('0.05')
    expect(await page.getByRole('button', { name: 'Undo' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Redo' }).click()
    expect(await place()).toBe(moved)
    await page.keyboard.press('Control+z')
    await page.keyboard.press('Control+y')
    expect(await place()).toBe(moved)
  })

  test('keys that come at once after a change undo that change, and do it again', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    const item = page.locator('.overlay-item')
    const before = await boxOf(item)
    await page.getByRole('slider', { name: 'From left' }).evaluate((field: HTMLInputElement) => {
      const press = (shiftKey: boolean) =>
        dispatchEvent(new KeyboardEvent('keydown', { key: 'z', ctrlKey: true, shiftKey }))
      field.value = '0.4'
      field.dispatchEvent(new Event('input', { bubbles: true }))
      press(false)
      press(true)
    })
    expect((await boxOf(item)).x).toBeGreaterThan(before.x + 100)
  })

  test('the timeline has a bar for each item on the scale of the playhead, and of the ends of a trim', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    await page.getByRole('slider', { name: 'End of Text “Made with Exportal”' }).fill('2')
    expect(await page.getByLabel('End (s)').inputValue()).toBe('2')
    const tracks = await boxOf(page.locator('.playhead-track'))
    const bar = await boxOf(page.locator('.span'))
    expect(bar.width / tracks.width).toBeCloseTo(0.5, 1)
    // Seeking shows the frame at which the end is set.
    const playhead = await boxOf(page.locator('.playhead'))
    expect((playhead.x - tracks.x) / tracks.width).toBeCloseTo(0.5, 1)
    // The end of a bar is dragged by the pointer: from the middle of the track to three quarters.
    await page.mouse.move(tracks.x + tracks.width / 2, bar.y + bar.height / 2)
    await page.mouse.down()
    await page.mouse.move(tracks.x + tracks.width * 0.75, bar.y + bar.height / 2, { steps: 5 })
    await page.mouse.up()
    expect(Number(await page.getByLabel('End (s)').inputValue())).toBeCloseTo(3, 0)

    await page.getByRole('radio', { name: 'trim' }).check()
    await page.getByRole('slider', { name: 'Start of what is kept' }).fill('1')
    const kept = await boxOf(page.locator('.span'))
    expect((kept.x - tracks.x) / tracks.width).toBeCloseTo(0.25, 1)
    expect(await page.locator('.outcome').textContent()).toBe('1280 × 720 · 0:03.0 · MP4')
  })

  test('presets of shape and size say their pixels, and the result has them', async () => {
    const page = await studio()
    await dropVideo(page, world.clip)
    await page.getByRole('radio', { name: 'crop' }).check()
    const outcome = () => page.locator('.outcome').textContent()
    for (const [shape, pixels] of [
      ['16:9', '1280 × 720'],
      ['1:1', '720 × 720'],
      ['4:5', '576 × 720'],
      ['9:16', '404 × 720'],
    ] as const) {
      await page.getByRole('radio', { name: shape }).check()
      expect(await outcome()).toContain(pixels)
    }
    await page.getByRole('radio', { name: 'Free' }).check()
    await drag(page, page.getByRole('button', { name: /^Upper left corner/ }), 40, 40)
    expect(await outcome()).not.toContain('404 × 720')
    await page.getByRole('radio', { name: '1:1' }).check()
    await page.getByRole('radio', { name: '480p' }).check()
    expect(await outcome()).toBe('480 × 480 · 0:04.0 · MP4')
    const id = await createExport(page)
    await untilStatus(row(page, id), 'complete')
    await row(page, id).locator('.row-name').click()
    const result = page.getByLabel('Result', { exact: true })
    await expect
      .poll(() => result.evaluate((video: HTMLVideoElement) => [video.videoWidth, video.videoHeight]), {
        timeout: 20_000,
      })
      .toEqual([480, 480])
  })

  test('the keyboard alone goes from a first visit to the finished file', async () => {
    const page = await studio({ ...DESK, acceptDownloads: true })
    const tabTo = async (name: RegExp) => {
      for (let presses = 0; presses < 80; presses++) {
        await page.keyboard.press('Tab')
        const here = await page.evaluate(() => {
          const at = document.activeElement
          return at?.getAttribute('aria-label') ?? at?.textContent ?? ''
        })
        if (name.test(here)) return
      }
      throw new Error(`The keyboard does not come to ${name}.`)
    }
    await tabTo(/^Try a sample/)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Create export' }).waitFor()
    await tabTo(/^Text “Made with Exportal”; the arrow keys/)
    await page.keyboard.press('ArrowUp')
    expect(await page.getByRole('slider', { name: 'From top' }).inputValue()).toBe('0.79')
    await page.keyboard.press('Enter')
    await page.keyboard.type('By keyboard')
    expect(await page.locator('.overlay-text').textContent()).toBe('By keyboard')
    await tabTo(/^Create export/)
    await page.keyboard.press('Enter')
    await tabTo(/^Download/).catch(async () => {
      await page.locator('.row[data-status="complete"]').first().waitFor({ timeout: 60_000 })
      await tabTo(/^Download/)
    })
    const saving = page.waitForEvent('download')
    await page.keyboard.press('Enter')
    expect((await saving).suggestedFilename()).toMatch(/sample/)
  })

  test('on a phone the picture and the button stay in view, and a finger hits everything', async () => {
    const page = await studio(PHONE)
    expect(await tooSmall(page), 'first visit').toEqual([])
    await dropVideo(page, world.clip)
    await page.locator('.overlay-text').waitFor()
    for (const type of ['overlay', 'trim', 'crop']) {
      await page.getByRole('radio', { name: type }).check({ force: true })
      await page.evaluate(() => scrollTo(0, 250))
      for (const part of ['.stage-frame', '.submit button']) {
        const box = await boxOf(page.locator(part))
        expect(box.y, part).toBeGreaterThanOrEqual(0)
        expect(box.y + box.height, part).toBeLessThanOrEqual(740)
      }
      expect(await tooSmall(page), type).toEqual([])
      await expectAccessible(page)
    }
  })
})

async function boxOf(place: Locator) {
  const box = await place.first().boundingBox()
  if (!box) throw new Error('It has no place on the page.')
  return box
}

/** Drags by this many pixels, and calls `look` just before the release. */
async function drag(page: Page, what: Locator, x: number, y: number, look = async () => {}): Promise<void> {
  const box = await boxOf(what)
  const from = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  await page.mouse.move(from.x, from.y)
  await page.mouse.down()
  await page.mouse.move(from.x + x, from.y + y, { steps: 4 })
  await look()
  await page.mouse.up()
}

/** Goes on with a drag. */
async function moveBy(page: Page, what: Locator, x: number, y: number): Promise<void> {
  const box = await boxOf(what)
  await page.mouse.move(box.x + box.width / 2 + x, box.y + box.height / 2 + y, { steps: 4 })
}

/** Runs in the page: sums up layout shifts from now on. */
function watchShifts(): void {
  const seen = { shift: 0 }
  Object.assign(globalThis, seen)
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { value } = entry as unknown as { value: number }
      const all = globalThis as unknown as typeof seen
      all.shift += value
    }
  }).observe({ type: 'layout-shift' })
}
