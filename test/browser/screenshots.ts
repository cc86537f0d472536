/**
 * `npm run screenshots`: captures every state of the pages, on a desktop, in dark mode and on a phone, in
 * out/screenshots. Those that the README and the documentation show are written to docs/screenshots, which contains no
 * others.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFfmpeg } from '../../runpod-local/worker/find-ffmpeg.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { eachState } from '../support/browser/states.ts'
import { makeFilm, pictures, setItem, sideBySide, studioWith, TEXTS } from '../support/browser/texts.ts'
import { startWorld, type World } from '../support/browser/world.ts'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, 'out/screenshots')
const SHOWN = join(ROOT, 'docs/screenshots')
const LARGEST_BYTES = 150_000

const LOOKS = [
  { suffix: '', options: { colorScheme: 'light' } },
  { suffix: '-dark', options: { colorScheme: 'dark' } },
  {
    suffix: '-phone',
    options: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  },
]

describeInBrowser('screenshots', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
    await rm(FOLDER, { recursive: true, force: true })
    await mkdir(FOLDER, { recursive: true })
  })
  afterAll(() => world?.close())

  test.each(LOOKS)('are taken$suffix', { timeout: 300_000 }, async ({ suffix, options }) => {
    await eachState(world, options, (page, name) => picture(page, join(FOLDER, `${name}${suffix}.png`)))
  })

  test.each(TEXTS)('have the text $name beside its result', async ({ name, film, item }) => {
    const page = await studioWith(world, await makeFilm(world, film))
    await setItem(page, item)
    await sideBySide(await pictures(world, page, name), join(FOLDER, `text-${name}.png`))
    await page.context().close()
  })

  test('are kept where they are shown, and small enough for it', async () => {
    const pages = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'))
    const texts = [join(ROOT, 'README.md'), ...pages.map((name) => join(ROOT, 'docs', name))]
    const all = (await Promise.all(texts.map((path) => readFile(path, 'utf8')))).join('\n')
    const names = new Set([...all.matchAll(/screenshots\/([a-z-]+\.png)/g)].map(([, name]) => name ?? ''))
    expect(names.size).toBeGreaterThan(2)
    for (const name of await readdir(SHOWN)) if (!names.has(name)) await rm(join(SHOWN, name))
    for (const name of names) {
      await copyFile(join(FOLDER, name), join(SHOWN, name))
      expect((await stat(join(SHOWN, name))).size, name).toBeLessThan(LARGEST_BYTES)
    }
  })
})

/** The whole page once it is static, as far as that happens. */
async function still(page: Page): Promise<Uint8Array> {
  let before: Uint8Array = new Uint8Array()
  for (let tries = 0; tries < 10; tries++) {
    const shot = await page.screenshot({ fullPage: true, animations: 'disabled' })
    if (shot.equals(before)) break
    before = shot
  }
  return before
}

/** The whole page, with a palette of 256 colours. */
async function picture(page: Page, path: string): Promise<void> {
  const raw = `${path}.raw.png`
  // Waits for the frames of the videos, rather than capturing their placeholders.
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
