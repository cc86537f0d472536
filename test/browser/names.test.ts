/** Names that somebody else chose: the sentence around them reads the same, and every page keeps its width. */
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser/browser.ts'
import { webFile } from '../support/browser/files.ts'
import { openDetails } from '../support/browser/pages.ts'
import { startWorld, type World } from '../support/browser/world.ts'

const NAMES = {
  'from right to left': 'סרט (2)',
  'with an override of the direction': 'film\u202e4pm.exe',
  'with an open isolate': 'film\u2067 (1)',
}

const LONG = {
  'one word of 128 letters': 'W'.repeat(128),
  'one of pictures': '👩‍👩‍👧‍👦'.repeat(11),
  'one that is markup': '<img src=x onerror=alert(1)>"&amp;',
}

/** The characters in the order in which they are drawn, line by line. */
function drawn(text: Locator): Promise<string> {
  return text.evaluate((element) => {
    const range = document.createRange()
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
    const places: { char: string; top: number; left: number }[] = []
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (const [at, char] of [...(node.nodeValue ?? '')].entries()) {
        range.setStart(node, at)
        range.setEnd(node, at + 1)
        const { top, left, width, height } = range.getBoundingClientRect()
        if (width > 0) places.push({ char, top: Math.round((top + height / 2) / 10), left })
      }
    }
    places.sort((a, b) => a.top - b.top || a.left - b.left)
    return places.map(({ char }) => char).join('')
  })
}

describeInBrowser('a name', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(1)
  })
  afterAll(() => world?.close())

  const failed = async (name: string, filename: string) => {
    const { video_key } = await world.client.uploadVideo(await webFile(world.clip), {
      projectId: 1,
      filename,
    })
    const tags = [name, 'last']
    const faults = { fail: { message: name, code: 'invalid_media', should_retry: false } }
    const { id } = await world.createJob({ input_video_key: video_key, metadata: { name, faults }, tags })
    await world.client.jobs.waitFor(id, { resolveFailed: true })
    return id
  }

  test.each(Object.entries(NAMES))('%s leaves the text around it in its place', async (_, name) => {
    const id = await failed(name, `${name}.mp4`)
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await page.getByRole('button', { name: 'Delete' }).click()
    expect(await drawn(page.locator('dialog h2'))).toMatch(/^Delete the export of .*\?$/)
    await page.getByRole('button', { name: 'Keep it' }).click()
    expect(await drawn(page.locator('.eyebrow'))).toMatch(/^overlay · /i)
    expect(await drawn(page.locator('.headline p', { hasText: 'What this means' }))).toMatch(
      / What this means$/,
    )
    await openDetails(page)
    expect(await drawn(page.locator('.facts dd').last())).toMatch(/, last$/)
  })

  test.each(Object.entries(LONG))('%s leaves every page as wide as a phone', async (_, name) => {
    const id = await failed(name, `${name.slice(0, 200)}.mp4`)
    const page = await world.page({ viewport: { width: 320, height: 640 } })
    for (const path of ['/', `/jobs/${id}`, '/admin?tab=all', `/admin/jobs/${id}`]) {
      await page.goto(world.stack.url + path)
      await page.locator('.row, .job, .row-title').first().waitFor()
      if (path.startsWith('/jobs')) {
        await openDetails(page)
        await page.getByRole('button', { name: 'Delete' }).click()
      }
      const wider = async () => {
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        const dialogs = await page
          .locator('dialog[open]')
          .evaluateAll((all) => all.map((each) => each.scrollWidth - each.clientWidth))
        return Math.max(over, ...dialogs)
      }
      // Once it is laid out: the parts of a page arrive one after the other.
      await expect.poll(wider, { message: path }).toBe(0)
    }
  })
})
