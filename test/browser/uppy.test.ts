/**
 * Uppy 6, unmodified, from another origin, through the events of a large upload: a pause, a lost part, a reload. The
 * stored file equals the source, and a player can seek in it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeClip } from '../../scripts/clip.ts'
import type { Stack } from '../../scripts/stack.ts'
import { describeInBrowser, launch } from '../support/browser/browser.ts'
import { type StartedStack, startStack } from '../support/node/started-stack.ts'
import { Relay } from './uppy/relay.ts'

const MIB = 1024 ** 2
const SIZE = 200 * MIB
const PARTS = 13

describeInBrowser('Uppy, as it comes from npm', () => {
  const relay = new Relay()
  let starting: Promise<StartedStack> | undefined
  let stack: Stack
  let browser: Browser
  let app: Server
  let large: string
  let sum: string

  beforeAll(async () => {
    await relay.listen()
    starting = startStack('uppy', { vars: { PUBLIC_URL: relay.url } })
    const { dir, stack: started } = await starting
    stack = started
    relay.leadTo(stack.url)
    browser = await launch()
    app = await serveApp(stack.url)
    const clip = join(dir, 'clip.mp4')
    await makeClip(clip, 8)
    large = join(dir, 'large.mp4')
    const bytes = padded(await readFile(clip), SIZE)
    await writeFile(large, bytes)
    sum = createHash('sha256').update(bytes).digest('hex')
  })
  afterAll(async () => {
    app?.close()
    relay.close()
    await Promise.allSettled([browser?.close(), starting?.then(({ stop }) => stop())])
  })

  test('a large file arrives whole, paused, robbed of a part and reloaded on its way', async () => {
    const page = await (await browser.newContext()).newPage()
    const { port } = app.address() as AddressInfo
    await page.goto(`http://localhost:${port}/`)
    relay.lose = 2
    await choose(page, large)

    await expect.poll(() => relay.stored.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(3)
    expect(relay.parts.filter(({ number }) => number === 2).map(({ status }) => status)).toEqual([503, 200])

    await page.evaluate(() => window.uppy.pauseAll())
    await expect.poll(() => relay.onTheirWay).toBe(0)
    const [sent, asked] = [relay.parts.length, relay.asked.length]
    const progress = await progressOf(page)
    expect(progress.parts).toBeGreaterThanOrEqual(3)
    expect(progress.status).toBe('open')
    // The part interrupted by the pause may have been stored nevertheless.
    expect([0, 1]).toContain(progress.parts - relay.stored.length)
    expect([relay.parts.length, relay.asked.length]).toEqual([sent, asked])
    await page.evaluate(() => window.uppy.resumeAll())

    await expect.poll(() => relay.stored.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(6)
    const before = [...relay.stored]
    await page.reload()
    await expect.poll(() => page.evaluate(() => window.uppy.getFiles()[0]?.isGhost)).toBe(true)
    const mark = relay.parts.length
    await choose(page, large)
    await expect.poll(() => page.evaluate(() => window.ended), { timeout: 60_000 }).toHaveLength(1)

    const [end] = await page.evaluate(() => window.ended)
    expect(end).toMatchObject({
      error: null,
      key: expect.stringMatching(/^input\/[0-9a-f-]{36}\/large\.mp4$/),
    })
    expect(relay.asked.filter((line) => line.endsWith('/s3/multipart'))).toHaveLength(2)
    expect(new Set(relay.stored).size).toBe(PARTS)
    const after = relay.parts.slice(mark).map(({ number }) => number)
    expect(after.filter((number) => before.includes(number))).toEqual([])

    const download = await fetch(`${stack.url}/api/videos/download/${end?.key}`)
    const hash = createHash('sha256')
    for await (const chunk of download.body ?? []) hash.update(chunk)
    expect(hash.digest('hex')).toBe(sum)

    await expectSeeking(page, `${stack.url}/api/videos/download/${end?.key}?inline=1`)
  })

  /** The index is at the end, behind the padding: without Range nothing plays before everything is loaded. */
  async function expectSeeking(page: Page, url: string): Promise<void> {
    const ranges: string[] = []
    page.on('response', (response) => {
      if (response.status() === 206) ranges.push(response.headers()['content-range'] ?? '')
    })
    const shown = await page.evaluate(async (src) => {
      const video = document.createElement('video')
      document.body.append(video)
      const happens = (name: string) =>
        new Promise((settle, reject) => {
          video.addEventListener(name, settle, { once: true })
          video.addEventListener('error', () => reject(new Error(video.error?.message)), { once: true })
        })
      const loaded = happens('loadeddata')
      video.src = src
      await loaded
      const sought = happens('seeked')
      video.currentTime = 6
      await sought
      return { at: video.currentTime, width: video.videoWidth, ready: video.readyState }
    }, url)
    expect(shown).toEqual({ at: 6, width: 1280, ready: expect.toSatisfy((state: number) => state >= 2) })
    const starts = ranges.map((range) => Number(/^bytes (\d+)-/.exec(range)?.[1]))
    expect(starts).toContain(0)
    expect(Math.max(...starts)).toBeGreaterThan(SIZE / 2)
  }

  /** The progress of the page's upload, according to the service. */
  async function progressOf(page: Page): Promise<{ status: string; parts: number }> {
    const { endpoint, key, uploadId } = await page.evaluate(() => {
      const [file] = window.uppy.getFiles() as unknown as { s3Multipart: { key: string; uploadId: string } }[]
      return { endpoint: window.companionEndpoint, key: '', uploadId: '', ...file?.s3Multipart }
    })
    const path = new URL(endpoint).pathname
    const query = `key=${encodeURIComponent(key)}`
    const answer = await fetch(
      `${stack.url}${path}/s3/multipart/${encodeURIComponent(uploadId)}/progress?${query}`,
    )
    expect(answer.status).toBe(200)
    return (await answer.json()) as { status: string; parts: number }
  }
})

function choose(page: Page, path: string): Promise<void> {
  return page.locator('input').setInputFiles(path)
}

/** The app's own server: its page, and at each visit a new token for uploads, as its back end would request one. */
async function serveApp(serviceUrl: string): Promise<Server> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'uppy/page.ts')],
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
  })
  const script = outputFiles[0]?.text ?? ''
  const page = async () => {
    const answer = await fetch(`${serviceUrl}/api/uploads`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ project_id: 7 }),
    })
    const { companion_url } = (await answer.json()) as { companion_url: string }
    const told = `<script>window.companionEndpoint = ${JSON.stringify(companion_url)}</script>`
    return `<!doctype html><title>An app</title><input type="file">${told}<script type="module" src="/page.js"></script>`
  }
  const server = createServer(async ({ url }, response) => {
    const isScript = url === '/page.js'
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : await page())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return server
}

/** The same video with a box of noise before its index, which players skip, so that the file has this many bytes. */
function padded(video: Buffer, size: number): Buffer {
  const at = video.lastIndexOf('moov') - 4
  const box = randomBytes(size - video.length)
  box.writeUInt32BE(box.length)
  box.write('free', 4, 'latin1')
  return Buffer.concat([video.subarray(0, at), box, video.subarray(at)])
}
