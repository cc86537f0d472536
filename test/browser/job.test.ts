import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createExports } from '../../client/index.ts'
import { expectAccessible } from '../support/browser/axe.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { layLine } from '../support/browser/line.ts'
import {
  expectWholeLog,
  logNumbers,
  openDetails,
  play,
  recordPercents,
  untilStatus,
} from '../support/browser/pages.ts'
import { postAsWorker } from '../support/browser/worker.ts'
import { startWorld, type World } from '../support/browser/world.ts'

describeInBrowser('the page of a job', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({}))

  /** The number of log lines of an ended job, requested without the page. */
  async function lastLine(id: string): Promise<number> {
    await world.client.jobs.waitFor(id, { resolveFailed: true })
    return (await world.client.jobs.events(id)).events.at(-1)?.seq ?? 0
  }

  test('says why it waits and what is next, moves live, and shows the result', async () => {
    await world.faults({ hold_queue: true })
    const { id } = await world.createJob({ type: 'transcode', params: {} })
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'queued')
    await page.getByRole('heading', { name: 'Waiting for a GPU' }).waitFor()
    await openDetails(page)
    await page.getByText("waits in RunPod's queue").waitFor()
    expect(await page.locator('.next').textContent()).toMatch(/Next\s*in \d+ (s|min), .*: \w+/)
    await page.locator('.connection[data-connection="live"]').waitFor()
    const percents = await recordPercents(page)
    await world.faults({})
    await untilStatus(page, 'complete')
    const seen = await percents()
    expect(seen.length).toBeGreaterThan(2)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    await page.getByRole('heading', { name: 'Your video is ready' }).waitFor()
    // The result comes first, and one press saves it under the name of its source.
    const tops = await page
      .locator('.player, .headline .primary, .job-details')
      .evaluateAll((parts) => parts.map((part) => part.className))
    expect(tops.slice(0, 3)).toEqual(['primary', 'player', expect.stringContaining('job-details')])
    const started = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    expect((await started).suggestedFilename()).toBe('holiday-transcode.mp4')
    await play(page.getByLabel('Result', { exact: true }))
    expect(await page.locator('.steps li[data-state="done"]').count()).toBe(5)
    await expectWholeLog(page, await lastLine(id))
  })

  test('a reload in the middle goes on where it stood', async () => {
    await world.faults({ stall: { at_progress: 30, ms: 2500, times: 1 } })
    const { id } = await world.createJob()
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'processing')
    await page.reload()
    await untilStatus(page, 'processing')
    await untilStatus(page, 'complete')
    await expectWholeLog(page, await lastLine(id))
  })

  test('a broken line is resumed where it was, and the page says where', async () => {
    const line = await layLine(world.stack.url)
    await world.faults({ hold_queue: true })
    const { id } = await world.createJob()
    const page = await world.page()
    await page.goto(`${line.url}/jobs/${id}`)
    await untilStatus(page, 'queued')
    await page.locator('.connection[data-connection="live"]').waitFor()
    line.cut()
    line.mend()
    await page.locator('.connection[data-connection="resumed"]', { hasText: /^Resumed at 3$/ }).waitFor()
    await world.faults({})
    await page.locator('.connection[data-connection="live"]').waitFor()
    await untilStatus(page, 'complete')
    await expectWholeLog(page, await lastLine(id))
    await page.context().close()
    await line.close()
  })

  test('five seconds offline lose no event and repeat none', async () => {
    const line = await layLine(world.stack.url)
    await world.faults({ hold_queue: true })
    const { id } = await world.createJob()
    const page = await world.page()
    await page.goto(`${line.url}/jobs/${id}`)
    await untilStatus(page, 'queued')
    await page.locator('.connection[data-connection="live"]').waitFor()
    const before = (await logNumbers(page)).length

    await page.context().setOffline(true)
    line.cut()
    await page.locator('.connection:is([data-connection="reconnecting"], [data-connection="lost"])').waitFor()
    // Most of its life passes while the page is disconnected: the worker itself takes five seconds.
    await world.faults({ stall: { at_progress: 20, ms: 5000, times: 1 } })
    const last = await lastLine(id)
    expect(last).toBeGreaterThan(before + 2)
    expect(await page.locator('.job').getAttribute('data-status')).toBe('queued')

    line.mend()
    await page.context().setOffline(false)
    await untilStatus(page, 'complete')
    await expectWholeLog(page, last)
    await page.context().close()
    await line.close()
  })

  test('the service is killed and started again in the middle', async () => {
    await world.faults({ stall: { at_progress: 20, ms: 4000, times: 1 } })
    const { id } = await world.createJob()
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'processing')
    await page.locator('.connection[data-connection="live"]').waitFor()
    world.stack.killService()
    await page.locator('.connection:is([data-connection="reconnecting"], [data-connection="lost"])').waitFor()
    await world.stack.startService()
    await untilStatus(page, 'complete')
    await expectWholeLog(page, await lastLine(id))
    await play(page.getByLabel('Result', { exact: true }))
  })

  test('cancel is asked for, confirmed, and can be undone by a retry on the same page', async () => {
    await world.faults({ stall: { at_progress: 10, ms: 60_000, times: 1 } })
    const { id } = await world.createJob()
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'processing')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await untilStatus(page, 'cancelled')
    await page.getByRole('heading', { name: 'The export was cancelled' }).waitFor()
    await openDetails(page)
    await page.getByText('nothing of it runs at RunPod').waitFor()
    expect(await page.getByRole('button', { name: 'Cancel' }).count()).toBe(0)
    // Where the cancel came first, the stall is still to come.
    await world.faults({})
    await page.getByRole('button', { name: 'Retry' }).click()
    await untilStatus(page, 'complete')
    await expectWholeLog(page, await lastLine(id))
  })

  test('a failure has a heading for people, the words of the worker, and one thing to do', async () => {
    await world.faults({ fail: { message: 'The lens is dirty.', code: 'worker_error' } })
    const { id } = await world.createJob({ policy: { max_attempts: 2 } })
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'error')
    await page.getByRole('heading', { name: 'The export failed while it was made', exact: true }).waitFor()
    await page.locator('.reason', { hasText: 'The lens is dirty.' }).waitFor()
    expect(await page.locator('.headline .primary').allTextContents()).toEqual(['Retry'])
    await openDetails(page)
    await page.getByText('Attempt 1 failed: The lens is dirty.').waitFor()
    await page.getByText('Attempt 2 of 2').waitFor()
    expect(await page.locator('.steps li[data-state="failed"]').count()).toBe(1)
    await page.getByRole('link', { name: 'What this means' }).click()
    await page.getByRole('heading', { name: 'The export failed while it was made' }).waitFor()
    await expectAccessible(page)
    await page.context().close()
  })

  test('a failure that another try would not help offers to change what was asked, in the studio', async () => {
    const fail = { message: 'No such corner.', code: 'invalid_params', should_retry: false }
    const params = { aspect_ratio: '9:16' } as const
    const { id } = await world.createJob({ type: 'crop', params, metadata: { faults: { fail } } })
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await page.getByRole('heading', { name: 'These settings do not fit this video' }).waitFor()
    expect(await page.locator('.headline .primary').allTextContents()).toEqual(['Change and export again'])
    await page.getByRole('link', { name: 'Change and export again' }).click()
    await page.getByRole('button', { name: 'Create export' }).waitFor()
    expect(await page.getByRole('radio', { name: /crop/i }).isChecked()).toBe(true)
    await page.getByText('holiday.mp4').first().waitFor()
    await page.context().close()
  })

  test('an estimate counts down, and is not kept up when the worker falls silent', async () => {
    await world.faults({ hold_queue: true })
    const { id } = await world.createJob()
    const page = await world.page()
    await page.clock.install()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'queued')
    await postAsWorker(world, id, 'progress', { progress: 30, stage: 'rendering', eta_seconds: 15 })
    const left = page.locator('.time-left')
    await expect.poll(() => left.textContent()).toMatch(/^about \d+ s left$/)
    await page.clock.fastForward(40_000)
    await expect
      .poll(() => left.textContent())
      .toMatch(/^longer than expected, last news (3\d|4\d|5\d) s ago$/)
    await world.client.jobs.cancel(id)
    await page.context().close()
  })

  test('a line that is dead without a word is told as such within seconds', async () => {
    const line = await layLine(world.stack.url)
    await world.faults({ hold_queue: true })
    const { id } = await world.createJob()
    const page = await world.page()
    await page.goto(`${line.url}/jobs/${id}`)
    await page.locator('.connection[data-connection="live"]').waitFor()
    line.hush()
    await page.locator('.connection[data-connection="reconnecting"]').waitFor({ timeout: 14_000 })
    line.cut()
    // Dials and polls fail alike, so that the state is not "polling".
    await page.locator('.connection[data-connection="lost"]', { hasText: 'No connection' }).waitFor()
    line.mend()
    await page
      .locator(
        '.connection[data-connection="resumed"], .connection[data-connection="live"], .connection[data-connection="polling"]',
      )
      .first()
      .waitFor()
    await world.client.jobs.cancel(id)
    await page.context().close()
    await line.close()
  })

  test('a job that is not there, and a token that is not valid, are said in the service’s words', async () => {
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000`)
    await page.getByText('This export cannot be shown').waitFor()
    const { id } = await world.createJob()
    await page.goto(`${world.stack.url}/jobs/${id}?token=nonsense`)
    await page.getByLabel('Access token').waitFor()
  })

  test('a job that was deleted elsewhere is seen to be deleted when its tab is come back to', async () => {
    const { id } = await world.createJob()
    await world.client.jobs.waitFor(id)
    const page = await world.page()
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await untilStatus(page, 'complete')
    await world.client.jobs.delete(id)
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await page.getByText('The export is deleted').waitFor()
    await page.context().close()
  })

  test('the link that is copied shows someone else this job with both of its videos, and nothing more', async () => {
    const { id } = await world.createJob()
    await world.client.jobs.waitFor(id)
    const page = await world.page({ permissions: ['clipboard-read', 'clipboard-write'] })
    await page.goto(`${world.stack.url}/jobs/${id}`)
    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.getByRole('button', { name: 'Link copied' }).waitFor()
    const link = await page.evaluate(() => navigator.clipboard.readText())
    // In the fragment, which browsers do not send.
    const { hash, search } = new URL(link)
    const token = new URLSearchParams(hash.slice(1)).get('token') ?? ''
    expect(search).toBe('')
    expect(token).not.toBe('')

    const guest = await world.page()
    await guest.goto(link)
    await guest.locator('.job h1', { hasText: 'holiday.mp4' }).waitFor()
    await guest.locator('.read-only', { hasText: /this link works until .*\d/ }).waitFor()
    const offered = await guest.locator('a, button').allTextContents()
    expect(offered.map((text) => text.trim())).toEqual([
      'Skip to content',
      'Download',
      'Save job and log as JSON',
    ])
    await openDetails(guest)
    await play(guest.getByLabel('Source', { exact: true }))
    await play(guest.getByLabel('Result', { exact: true }))
    const narrow = createExports({ baseUrl: world.stack.url, token })
    await expect(narrow.jobs.list({ project_id: 1 })).rejects.toMatchObject({ status: 403 })
    await expect(narrow.jobs.delete(id)).rejects.toMatchObject({ status: 403 })
  })
})
