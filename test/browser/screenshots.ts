/** `npm run screenshots`: pictures of every state of the pages, for docs/screenshots. */
import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFfmpeg } from '../../runpod-local/worker/find-ffmpeg.ts'
import { describeInBrowser } from './support/browser.ts'
import { eachState } from './support/states.ts'
import { startWorld, type World } from './support/world.ts'

const FOLDER = join(import.meta.dirname, '../../docs/screenshots')
const LARGEST_BYTES = 150_000

const LOOKS = [
  { suffix: '', options: { colorScheme: 'light' } },
  { suffix: '-dark', options: { colorScheme: 'dark' }, only: ['studio-overlay', 'job-rendering'] },
  {
    suffix: '-phone',
    options: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    only: ['studio-overlay', 'studio-list', 'job-rendering'],
  },
]

describeInBrowser('docs/screenshots', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
    await rm(FOLDER, { recursive: true, force: true })
    await mkdir(FOLDER, { recursive: true })
  })
  afterAll(() => world?.close())

  test.each(LOOKS)('are taken$suffix', async ({ suffix, options, only }) => {
    await eachState(world, options, async (page, name) => {
      if (!only || only.includes(name)) await picture(page, join(FOLDER, `${name}${suffix}.png`))
    })
  })

  test('are small enough to be kept', async () => {
    const names = await readdir(FOLDER)
    expect(names.length).toBeGreaterThan(15)
    for (const name of names) expect((await stat(join(FOLDER, name))).size, name).toBeLessThan(LARGEST_BYTES)
  })
})

/** The whole page once nothing moves any more, as far as it ever stands still. */
async function still(page: Page): Promise<Uint8Array> {
  let before: Uint8Array = new Uint8Array()
  for (let tries = 0; tries < 10; tries++) {
    const shot = await page.screenshot({ fullPage: true, animations: 'disabled' })
    if (shot.equals(before)) break
    before = shot
  }
  return before
}

/** The whole page, in 256 colours of its own. */
async function picture(page: Page, path: string): Promise<void> {
  const raw = `${path}.raw.png`
  // With the pictures of the videos, not with what is shown until they come.
  await page.waitForFunction(() =>
    [...document.querySelectorAll('video')].every((each) => each.readyState > 2),
  )
  await page.evaluate(() => scrollTo(0, 0))
  await writeFile(raw, await still(page))
  const ffmpeg = await findFfmpeg()
  if (!ffmpeg) throw new Error('No ffmpeg was found: run npm ci, or set FFMPEG_PATH.')
  const filter = '[0]split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=dither=none'
  await promisify(execFile)(ffmpeg.path, ['-v', 'error', '-y', '-i', raw, '-filter_complex', filter, path])
  await rm(raw)
}
