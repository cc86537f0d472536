/** Captures overlays in the studio's preview and in their results, for comparison. */
import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import type { JsonObject } from '../../../client/index.ts'
import { findFfmpeg } from '../../../runpod-local/worker/find-ffmpeg.ts'
import { createExport, dropVideo, row, untilStatus } from './pages.ts'
import type { World } from './world.ts'

const ON = { background: '#0000ff' }

/** White letters, most of them on blue; in the film of this shape. */
export const TEXTS: { name: string; film: 'wide' | 'tall'; item: JsonObject }[] = [
  { name: 'latin', film: 'wide', item: { text: 'Made with Exportal, fi AV', y: 0.8, size: 0.08, ...ON } },
  { name: 'bare', film: 'wide', item: { text: 'Without a background', y: 0.2, size: 0.1 } },
  { name: 'cjk', film: 'wide', item: { text: '日本語と中文，한국어', size: 0.12, y: 0.4, ...ON } },
  { name: 'emoji', film: 'wide', item: { text: 'Party 🎉👨‍👩‍👧👍🏽 now 😀', size: 0.12, y: 0.4, ...ON } },
  {
    name: 'arabic',
    film: 'wide',
    item: { text: 'مرحبا بالعالم, Exportal!', align: 'right', y: 0.3, size: 0.1, ...ON },
  },
  {
    name: 'hebrew',
    film: 'wide',
    item: { text: 'שלום עולם 123', align: 'center', y: 0.5, size: 0.15, ...ON },
  },
  {
    name: 'two-lines',
    film: 'wide',
    item: { text: 'two\nlines of text', align: 'center', y: 0.3, size: 0.1, ...ON },
  },
  {
    name: 'wrapped',
    film: 'wide',
    item: {
      text: 'A caption of ninety characters goes on at the edge of the frame, and none of it is cut away.',
      y: 0.9,
      size: 0.07,
      ...ON,
    },
  },
  {
    name: 'marks',
    film: 'wide',
    item: { text: 'สวัสดีที่นี่ नमस्ते हिन्दी', max_width: 0.5, x: 0.3, size: 0.12, ...ON },
  },
  {
    name: 'portrait',
    film: 'tall',
    item: {
      text: 'これは長い文章です。Exportal で折り返します。',
      align: 'right',
      max_width: 0.7,
      size: 0.05,
      y: 0.6,
      ...ON,
    },
  },
]

const SIZES = { wide: '640x360', tall: '360x640' }

/** A black film of this shape, one second long. */
export async function makeFilm(world: World, film: 'wide' | 'tall'): Promise<string> {
  const path = join(world.dir, `${film}.mp4`)
  const source = ['-f', 'lavfi', '-i', `color=black:s=${SIZES[film]}:r=25:d=1`]
  await ffmpeg(...source, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', path)
  return path
}

/** The studio with a film loaded. */
export async function studioWith(world: World, film: string): Promise<Page> {
  const page = await world.page()
  await page.goto(world.stack.url)
  await dropVideo(page, film)
  await page.locator('.overlay-text').waitFor()
  return page
}

/** Reopens the studio with these params of an overlay. */
export async function setItem(page: Page, item: JsonObject): Promise<void> {
  const params = { overlay: { items: [{ type: 'text', ...item }] } }
  await page.evaluate((text) => sessionStorage.setItem('exportal:drafts', text), JSON.stringify(params))
  await page.reload()
  await page.locator('.overlay-item').waitFor()
  await page.waitForFunction(() => document.fonts.status === 'loaded')
  // Captures the picture only, without the marks of the selected item.
  const bare =
    'all: unset; display: block; line-height: 0; outline: none !important; box-shadow: none !important'
  const content = `.stage-frame { border-radius: 0 !important } .overlay-item { ${bare} } .handle { display: none }`
  await page.addStyleTag({ content })
}

/** Captures of the preview and of the result's first frame, as paths of PNGs. */
export async function pictures(
  world: World,
  page: Page,
  name: string,
): Promise<[preview: string, result: string]> {
  const [preview, result, video] = ['preview.png', 'result.png', 'mp4'].map((end) =>
    join(world.dir, `${name}-${end}`),
  )
  if (!preview || !result || !video) throw new Error('unreachable')
  await page.locator('.stage-frame').screenshot({ path: preview, animations: 'disabled' })
  const id = await createExport(page)
  await untilStatus(row(page, id), 'complete')
  const { output_url: url } = await world.client.jobs.get(id)
  if (url === null) throw new Error('The job has no result.')
  await writeFile(video, new Uint8Array(await (await fetch(new URL(url, world.stack.url))).arrayBuffer()))
  await ffmpeg('-i', video, '-frames:v', '1', result)
  return [preview, result]
}

/** Both pictures side by side, in the size of the second. */
export function sideBySide([preview, result]: [string, string], path: string): Promise<void> {
  const filter = '[0][1]scale2ref[a][b];[a]pad=iw+8:ih:color=gray[c];[c][b]hstack'
  return ffmpeg('-i', preview, '-i', result, '-filter_complex', filter, path)
}

export interface Box {
  left: number
  right: number
  top: number
  bottom: number
}

/** The smallest box around all pixels with a high value of this channel, in fractions of the picture's width. */
export async function boxOf(path: string, channel: 'red' | 'blue'): Promise<Box> {
  const raw = `${path}.ppm`
  await ffmpeg('-i', path, '-f', 'image2', '-c:v', 'ppm', '-pix_fmt', 'rgb24', raw)
  const file = await readFile(raw)
  await rm(raw)
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(file.toString('latin1', 0, 40))
  const [width, height] = [Number(header?.[1]), Number(header?.[2])]
  const pixels = file.subarray(header?.[0].length)
  const box = { left: width, right: 0, top: height, bottom: 0 }
  for (let at = channel === 'red' ? 0 : 2; at < pixels.length; at += 3) {
    if ((pixels[at] ?? 0) < 110) continue
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)]
    // The page is visible where the frame ends within a pixel.
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) continue
    box.left = Math.min(box.left, x)
    box.right = Math.max(box.right, x + 1)
    box.top = Math.min(box.top, y)
    box.bottom = Math.max(box.bottom, y + 1)
  }
  const { left, right, top, bottom } = box
  return { left: left / width, right: right / width, top: top / width, bottom: bottom / width }
}

async function ffmpeg(...args: string[]): Promise<void> {
  const found = await findFfmpeg()
  if (found === null) throw new Error('No ffmpeg was found: run npm ci, or set FFMPEG_PATH.')
  await promisify(execFile)(found.path, ['-v', 'error', '-y', ...args])
}
