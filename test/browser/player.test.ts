/** The player of a page that stays open for longer than its signed URLs are valid. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { findFfmpeg } from '../../runpod-local/worker/find-ffmpeg.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { webFile } from '../support/browser/files.ts'
import { openDetails } from '../support/browser/pages.ts'
import { leave, startWorld, type World } from '../support/browser/world.ts'

/** URLs of files that the test lets expire. */
interface Addresses {
  /** Expires every URL issued until now. */
  expire(): void
  /** The number of URLs issued. */
  given(): number
  /** Requests of players, with the status of their answers. */
  readonly asked: number[]
}

/** Each response with a job has new URLs for its files; older ones are refused once they have expired. */
async function countAddresses(page: Page): Promise<Addresses> {
  let given = 0
  let oldest = 0
  const asked: number[] = []
  await page.route(/\/api\/jobs\/[^/?]+(\?|$)/, async (route) => {
    if (route.request().method() !== 'GET') return route.continue()
    // Playwright omits this header of the browser, by which the service identifies its own pages.
    const headers = { ...route.request().headers(), 'sec-fetch-site': 'same-origin' }
    const response = await route.fetch({ headers })
    const job = await response.json()
    given += 1
    const named = (url: string | null) => url && `${url}&address=${given}`
    const json = { ...job, input_url: named(job.input_url), output_url: named(job.output_url) }
    await route.fulfill({ response, json })
  })
  await page.route('**/api/videos/download/**', async (route) => {
    const url = new URL(route.request().url())
    const address = Number(url.searchParams.get('address'))
    url.searchParams.delete('address')
    const dead = address <= oldest
    asked.push(dead ? 403 : 200)
    if (dead) await route.fulfill({ status: 403, json: { code: 'signature_expired' } })
    else await route.continue({ url: url.href })
  })
  return {
    expire: () => {
      oldest = given
    },
    given: () => given,
    asked,
  }
}

/** On a busy computer. */
const PATIENT = { timeout: 20_000 }

const secondsOf = (video: Locator) => video.evaluate((element: HTMLVideoElement) => element.currentTime)
/** A frame is decoded at the position. */
const isThere = (video: Locator) =>
  video.evaluate((element: HTMLVideoElement) => element.readyState >= 2 && !element.seeking && !element.error)

/** A new URL starts at 0, with a frame, before the position is set. */
const isAt = async (video: Locator, seconds: number) =>
  (await isThere(video)) && Math.abs((await secondsOf(video)) - seconds) < 0.05

describeInBrowser('a player that stays open', () => {
  let world: World
  let source = ''
  beforeAll(async () => {
    world = await startWorld()
    // The clip repeated: so long that a browser does not load all of it in advance.
    const long = join(world.dir, 'long.mp4')
    const ffmpeg = await findFfmpeg()
    const loop = ['-v', 'error', '-stream_loop', '24', '-i', world.clip, '-c', 'copy', long]
    await promisify(execFile)(ffmpeg?.path ?? 'ffmpeg', loop)
    source = (await world.client.uploadVideo(await webFile(long), { projectId: 1 })).video_key
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({ hold_queue: true }))

  const opened = async () => {
    const { id } = await world.createJob({ input_video_key: source })
    // Only an input that was found before the dispatch has a URL.
    await expect.poll(async () => (await world.client.jobs.get(id)).input_url, PATIENT).not.toBeNull()
    const page = await world.page()
    const addresses = await countAddresses(page)
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await openDetails(page)
    const video = page.getByLabel('Source', { exact: true })
    await expect.poll(() => isThere(video), PATIENT).toBe(true)
    return { id, page, addresses, video }
  }
  const seek = (video: Locator, to: number) =>
    video.evaluate((element: HTMLVideoElement, seconds) => {
      element.currentTime = seconds
    }, to)

  test('gets a new address each time the old one expires, and goes on where it stood', async () => {
    const { page, addresses, video } = await opened()
    for (const [nth, seconds] of [80, 20, 60].entries()) {
      const before = addresses.given()
      addresses.expire()
      await seek(video, seconds)
      await expect.poll(() => addresses.given(), PATIENT).toBeGreaterThan(before)
      await expect.poll(() => isAt(video, seconds), { ...PATIENT, message: `renewal ${nth + 1}` }).toBe(true)
    }
    expect(await video.evaluate((element: HTMLVideoElement) => element.paused)).toBe(true)
    await leave(page)
  })

  test('that was playing plays on', async () => {
    const { page, addresses, video } = await opened()
    await video.evaluate(async (element: HTMLVideoElement) => {
      element.muted = true
      element.playbackRate = 2
      await element.play()
    })
    addresses.expire()
    await seek(video, 70)
    await expect.poll(() => secondsOf(video), PATIENT).toBeGreaterThan(71)
    const state = await video.evaluate(({ paused, playbackRate }: HTMLVideoElement) => ({
      paused,
      playbackRate,
    }))
    expect(state).toEqual({ paused: false, playbackRate: 2 })
    await leave(page)
  })

  test('leaves the address alone that plays, whatever newer ones the page is told', async () => {
    const { id, page, video } = await opened()
    await seek(video, 30)
    const before = await video.getAttribute('src')
    await world.client.jobs.cancel(id)
    await page.locator('.badge[data-status="cancelled"]').first().waitFor()
    expect(await video.getAttribute('src')).toBe(before)
    expect(await secondsOf(video)).toBeCloseTo(30, 1)
    await leave(page)
  })

  test('that is refused every address says so after two, and asks again when it is told to', async () => {
    const { page, addresses, video } = await opened()
    const refuse = (route: { fulfill: (answer: object) => Promise<void> }) =>
      route.fulfill({ status: 403, body: '' })
    await page.route('**/api/videos/download/**', refuse)
    const before = addresses.given()
    await seek(video, 80)
    await page.getByText('The service does not give out this file.').waitFor()
    expect(addresses.given()).toBe(before + 1)
    await page.unroute('**/api/videos/download/**', refuse)
    await page.getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => isAt(video, 80), PATIENT).toBe(true)
    await leave(page)
  })

  test('of a file that is no video says so, and of one that is gone', async () => {
    const { id } = await world.createJob({ input_video_key: source })
    const page = await world.page()
    const noise = { status: 200, contentType: 'video/mp4', body: 'This is no video.' }
    await page.route('**/api/videos/download/**', (route) => route.fulfill(noise))
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await openDetails(page)
    await page.getByText('This browser cannot play the file.').waitFor()
    await page.unrouteAll()
    await page.route('**/api/videos/download/**', (route) => route.fulfill({ status: 404, body: '' }))
    await page.reload()
    await openDetails(page)
    await page.getByText('The file is not there any more.').waitFor()
    await leave(page)
  })
})
