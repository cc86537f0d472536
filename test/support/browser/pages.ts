/** User actions on the pages, and what the pages show. */
import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { World } from './world.ts'

/** Drops a file on the studio, and waits until it is stored. */
export async function dropVideo(page: Page, path: string): Promise<void> {
  await page.locator('.file-input').setInputFiles(path)
  await page.getByRole('button', { name: 'Create export' }).waitFor()
}

/** Presses the button and returns the id of the first job in the list. */
export async function createExport(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Create export' }).click()
  const link = await page.getByRole('link', { name: 'Follow it' }).getAttribute('href')
  const id = /[^/]+$/.exec(link?.split('?')[0] ?? '')?.[0] ?? ''
  await row(page, id).waitFor()
  return id
}

export function row(page: Page, id: string): Locator {
  return page.locator(`.row[data-job="${id}"]`)
}

/** Waits until the page of a job, or a row of the list, shows this status. */
export async function untilStatus(place: Page | Locator, status: string): Promise<void> {
  const badge = place.locator(`.badge[data-status="${status}"]`).first()
  await badge.waitFor({ timeout: 60_000 })
}

/** Opens the details on the page of a job. */
export async function openDetails(page: Page): Promise<void> {
  const details = page.locator('.job-details')
  if ((await details.getAttribute('open')) === null) await details.locator('> summary').click()
}

/** The numbers of the log lines that the page shows, oldest first. */
export async function logNumbers(page: Page): Promise<number[]> {
  await openDetails(page)
  const log = page.locator('details.log')
  if ((await log.getAttribute('open')) === null) await log.locator('summary').click()
  const cells = await log.locator('tbody tr td:first-child').allTextContents()
  return cells.map(Number).reverse()
}

/** Asserts that the log is complete: every line from 1 to `last`, once and in order. */
export async function expectWholeLog(page: Page, last: number): Promise<void> {
  const whole = Array.from({ length: last }, (_, index) => index + 1)
  await expect.poll(() => logNumbers(page), { timeout: 10_000 }).toEqual(whole)
}

/**
 * Records the percentages shown by the bar, at every change within the page. Returns a function that ends the
 * recording.
 */
export async function recordPercents(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const seen: number[] = []
    Object.assign(globalThis, { seenPercents: seen })
    const look = () => {
      const value = document.querySelector('.job .bar')?.getAttribute('aria-valuenow')
      if (value && seen.at(-1) !== Number(value)) seen.push(Number(value))
    }
    new MutationObserver(look).observe(document.body, { subtree: true, attributes: true, childList: true })
    look()
  })
  return () => page.evaluate(() => (globalThis as unknown as { seenPercents: number[] }).seenPercents)
}

export interface Played {
  seconds: number
  width: number
  height: number
}

/** Plays a video for a moment. */
export async function play(video: Locator): Promise<Played> {
  await video.evaluate(async (element: HTMLVideoElement) => {
    element.muted = true
    await element.play()
  })
  const seconds = () => video.evaluate((element: HTMLVideoElement) => element.currentTime)
  await expect.poll(seconds, { timeout: 10_000 }).toBeGreaterThan(0.4)
  return video.evaluate((element: HTMLVideoElement) => {
    element.pause()
    return { seconds: element.currentTime, width: element.videoWidth, height: element.videoHeight }
  })
}

/** Red, green and blue at a position of the shown frame, in fractions of its size. */
export function pixel(video: Locator, x: number, y: number): Promise<number[]> {
  return video.evaluate(
    (element: HTMLVideoElement, at) => {
      const canvas = document.createElement('canvas')
      canvas.width = element.videoWidth
      canvas.height = element.videoHeight
      const pen = canvas.getContext('2d')
      pen?.drawImage(element, 0, 0)
      const { data } = pen?.getImageData(at.x * canvas.width, at.y * canvas.height, 1, 1) ?? { data: [] }
      return [...data].slice(0, 3)
    },
    { x, y },
  )
}

/** A read-only link to this job. */
export async function sharedLink({ stack }: World, id: string): Promise<string> {
  const answer = await fetch(`${stack.url}/api/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ job_id: id, scope: 'jobs:read', ttl_seconds: 3600 }),
  })
  const { token }: { token: string } = JSON.parse(await answer.text())
  return `${stack.url}/jobs/${id}?token=${token}`
}
