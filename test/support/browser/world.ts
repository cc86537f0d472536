/** One service with its runpod-local, one browser, and a clip to export: the setup of every test file. */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, expect } from 'vitest'
import { type CreateJob, createExports, type ExportsClient, type Job } from '../../../client/index.ts'
import { makeClip } from '../../../scripts/clip.ts'
import type { Stack } from '../../../scripts/stack.ts'
import { startStack } from '../node/started-stack.ts'
import { launch } from './browser.ts'
import { webFile } from './files.ts'

const LEAVE_MS = 10_000

export interface World {
  stack: Stack
  browser: Browser
  client: ExportsClient
  dir: string
  /** 1280×720, moving, four seconds. */
  clip: string
  /** A page that fails its test on an uncaught error. */
  page(options?: BrowserContextOptions): Promise<Page>
  /** Replaces the fault switches of runpod-local. */
  faults(body: object): Promise<void>
  /** Creates a job by the API, for tests of how it is shown. */
  createJob(wanted?: Partial<CreateJob>): Promise<Job>
  close(): Promise<void>
}

const worlds: Promise<World>[] = []

// A hook that ran into its time limit goes on starting, and the file has no world yet that it could close.
afterAll(async () => {
  const ends = worlds.map((world) => world.then(({ close }) => close()))
  await Promise.allSettled(ends)
})

/** Ends with its file, even when the hook that starts it fails or takes too long. */
export function startWorld(clipSeconds = 4, vars: Record<string, string> = {}): Promise<World> {
  const world = start(clipSeconds, vars)
  worlds.push(world)
  return world
}

async function start(clipSeconds: number, vars: Record<string, string>): Promise<World> {
  const runpodEnv = { RUNPOD_LOCAL_REPORT_INTERVAL_MS: '150' }
  const clipOf = (dir: string) => join(dir, 'holiday.mp4')
  const browser = await launch()
  const { stack, dir, stop } = await startStack('browser', { vars, runpodEnv }, (dir) =>
    makeClip(clipOf(dir), clipSeconds),
  ).catch(async (error) => {
    await browser.close()
    throw error
  })
  const clip = clipOf(dir)
  const client = createExports({ baseUrl: stack.url })
  const crashes: string[] = []
  let uploaded: Promise<string> | null = null
  const close = async () => {
    const leaving = browser.contexts().flatMap((context) => context.pages().map(leave))
    // A page that cannot be left must not keep the service running.
    await Promise.race([Promise.allSettled(leaving), pause(LEAVE_MS)])
    const ends = await Promise.allSettled([browser.close(), stop()])
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    expect(crashes, 'uncaught errors in pages').toEqual([])
  }
  let closing: Promise<void> | null = null
  return {
    stack,
    browser,
    client,
    dir,
    clip,
    async page(options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
      const page = await context.newPage()
      page.setDefaultTimeout(20_000)
      page.on('pageerror', (error) => crashes.push(String(error)))
      return page
    },
    async faults(body) {
      const response = await fetch(`${stack.runpodUrl}/faults`, { method: 'PUT', body: JSON.stringify(body) })
      if (!response.ok) throw new Error(`The fault switches were refused: ${await response.text()}`)
    },
    async createJob(wanted = {}) {
      uploaded ??= webFile(clip)
        .then((file) => client.uploadVideo(file, { projectId: 1 }))
        .then(({ video_key }) => video_key)
      const body = { project_id: 1, type: 'overlay', input_video_key: await uploaded, params: {}, ...wanted }
      return (await client.jobs.create(body as CreateJob)).job
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** Closes a page with its context; pending requests of its routes are ignored. */
export async function leave(page: Page): Promise<void> {
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  await page.context().close()
}
