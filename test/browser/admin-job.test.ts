/** The inspector: for each way in which a job can be stuck it shows the cause and the next step in one sentence. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { freePort } from '../../scripts/stack.ts'
import { expectAccessible } from '../support/browser/axe.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { inD1 } from '../support/browser/d1.ts'
import { play, untilStatus } from '../support/browser/pages.ts'
import { postAsWorker } from '../support/browser/worker.ts'
import { startWorld, type World } from '../support/browser/world.ts'

describeInBrowser('the inspector', () => {
  let world: World
  let page: Page
  beforeAll(async () => {
    world = await startWorld(4, { GPU_PRICE_PER_SECOND: '0.001' })
    page = await world.page()
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({}))

  /** No worker starts this job, whatever the global switches. */
  const held = () => ({ faults: { hold_queue: true } })

  const open = async (id: string) => {
    await page.goto(`${world.stack.url}/admin/jobs/${id}`)
    await page.getByRole('heading', { name: 'Now and next' }).waitFor()
  }

  /** Waits for the sentence of this finding. */
  const finding = async (code: string, timeout = 30_000): Promise<string> => {
    const found = page.locator(`.findings li[data-finding="${code}"]`).first()
    await found.waitFor({ timeout })
    return (await found.locator('> span').textContent()) ?? ''
  }

  const act = async (name: string) => {
    const button = page.locator('.tools').getByRole('button', { name, exact: true })
    if (!(await button.isVisible())) await page.locator('.menu summary').click()
    await button.click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Why, for the log').fill('A test of it.')
    await dialog.locator('button[type="submit"]').click()
    return dialog
  }

  /** Presses the recommended action of the finding, which then succeeds. */
  const follow = async (code: string, label: string) => {
    const button = page.locator(`.findings li[data-finding="${code}"] button`).first()
    expect(await button.textContent()).toBe(label)
    await button.click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Why, for the log').fill('A test of it.')
    await dialog.locator('button[type="submit"]').click()
    await dialog.waitFor({ state: 'detached' })
  }

  test('waiting for a GPU: no worker is idle', async () => {
    const busy = await world.createJob({ metadata: { faults: { stall: { at_progress: 20 } } } })
    await open(busy.id)
    await untilStatus(page, 'processing')
    const { id } = await world.createJob()
    await open(id)
    await untilStatus(page, 'queued')
    await follow('waiting_for_gpu', 'Re-check with RunPod')
    await page.getByText('no idle worker').first().waitFor()
    expect(await finding('waiting_for_gpu')).toMatch(
      /^Attempt 1 of 3 waits in RunPod's queue\. RunPod has no idle worker \(1 running\) and \d+ jobs? in its queue; next: ask RunPod again whether a worker took it \(in \d+ (s|min), at .+\)\.$/,
    )
    await Promise.all([busy.id, id].map((each) => world.client.jobs.cancel(each)))
  })

  test('refused: by whom, how often, when the next one; and “retry now” does not wait', async () => {
    await world.faults({ run: { status: 429, retry_after_seconds: 600, times: 1 } })
    const { id } = await world.createJob()
    await open(id)
    expect(await finding('refused')).toMatch(
      /^RunPod limits the rate of requests \(429\)\. .+ none of them counts as an attempt; next: try again \(in 10 min, at .+\)\.$/,
    )
    // The lane of the endpoint pauses as long as RunPod requested, for every job.
    const resumed = await fetch(`${world.stack.url}/api/admin/lanes/default/actions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'resume', reason: 'A test of it.' }),
    })
    expect(resumed.status).toBe(200)
    await follow('refused', 'Retry now')
    await untilStatus(page, 'complete')
    await expect
      .poll(() => page.locator('.lane').allTextContents(), { timeout: 10_000 })
      .toEqual([
        expect.stringMatching(/^Job/),
        expect.stringMatching(/^Refused.*runpod_rate_limited/),
        expect.stringMatching(/^Attempt 1.*result stored/),
      ])
    await page.locator('.event-row[data-event="retry_hurried"]').click()
    expect(await page.locator('.event-raw pre').textContent()).toContain('"reason": "A test of it."')
  })

  test('a lost webhook: the end was found by polling', async () => {
    const faults = { webhook: { drop: true }, drop_complete: true }
    const { id } = await world.createJob({ metadata: { faults }, policy: { stall_timeout_seconds: 5 } })
    await open(id)
    await untilStatus(page, 'complete')
    expect(await finding('lost_webhook')).toMatch(
      /^Neither a report nor RunPod’s webhook told the end of attempt 1 of 3; it was found by asking RunPod; next: .+\.$/,
    )
    await play(page.getByLabel('Result', { exact: true }))
    await expect
      .poll(() => page.locator('.stored').allTextContents())
      .toEqual([
        expect.stringMatching(/^Source: .+B, ETag ".+"$/),
        expect.stringMatching(/^Result: .+B, ETag ".+"$/),
      ])
  })

  test('a stalled worker: since when, and what RunPod says; then it is failed by hand', async () => {
    const metadata = { faults: { stall: { at_progress: 20 } } }
    const { id } = await world.createJob({ metadata, policy: { stall_timeout_seconds: 5 } })
    await open(id)
    await page.getByText('though RunPod says that it still runs').waitFor({ timeout: 30_000 })
    expect(await finding('stalled')).toMatch(
      /^The worker of attempt 1 of 3 has not reported since .+ though RunPod says that it still runs; next: ask RunPod about it again \((now|in \d+ s)(, at .+)?\)\.$/,
    )
    // Every lane, mark and tick is positioned on one axis.
    const tracks = await page
      .locator('.lane-track')
      .evaluateAll((each) =>
        each.map((track) => `${track.getBoundingClientRect().left} ${track.getBoundingClientRect().width}`),
      )
    expect(new Set(tracks).size).toBe(1)
    await page.locator('.lane-bar[data-kind="silence"]').waitFor()
    await follow('stalled', 'Give up this attempt')
    await page.locator('.lane', { hasText: 'given_up' }).waitFor()
    await untilStatus(page, 'processing')
    await act('Force-fail')
    await untilStatus(page, 'error')
    await page.getByText('An operator ended the job by hand').first().waitFor()
    const cells = page.locator('.attempts-card tbody tr td:last-child')
    await expect.poll(() => cells.first().textContent()).toMatch(/0\.0\d+ wasted$/)
  })

  test('a cancel that RunPod does not confirm', async () => {
    // Over a line the worker would be stopped, and end by itself.
    const metadata = { faults: { cancel: 'refuse', line: { refuse: true }, stall: { at_progress: 20 } } }
    const { id } = await world.createJob({ metadata, policy: { stall_timeout_seconds: 5 } })
    await open(id)
    // A worker that still reports would be stopped by the answer.
    await finding('stalled')
    await act('Cancel')
    await page.getByText('although it was told').waitFor()
    expect(await finding('cancel_unconfirmed')).toMatch(
      /^Cancel was asked for at .+ and RunPod has not confirmed it although it was told (once|\d+ times); next: tell RunPod again to stop it \((now|in \d+ (s|min))(, at .+)?\)\.$/,
    )
    // Only actions that can succeed are offered.
    expect(await page.locator('.tools button').allTextContents()).toEqual([
      'Re-check with RunPod',
      'Write the row again',
      'Copy as curl',
      'Download as one file',
    ])
    await follow('cancel_unconfirmed', 'Re-check with RunPod')
  })

  test('an output that is missing although the worker said that it is done', async () => {
    const { id } = await world.createJob({ metadata: held() })
    await open(id)
    await untilStatus(page, 'queued')
    await postAsWorker(world, id, 'complete', { output_video_key: `output/${id}/1-1.mp4` })
    expect(await finding('output_missing')).toMatch(
      /^Attempt 1 of 3 (is said to be done, but its output is not in storage \(\d of 3 looks\); next: look for it again|failed with output_missing: .+; next: send attempt 2 to RunPod) \((now|in \d+ s)(, at .+)?\)\.$/,
    )
    await world.client.jobs.cancel(id)
  })

  test('D1 behind: the row is named as old, and repaired', async () => {
    const { id } = await world.createJob({ metadata: held() })
    await open(id)
    await untilStatus(page, 'queued')
    await page.locator('[data-drift="none"]').waitFor({ timeout: 30_000 })
    const { stateDir } = world.stack.options
    inD1(stateDir, `UPDATE export_jobs SET status = 'pending', version = 1 WHERE id = '${id}'`)
    await page.reload()
    await page.locator('[data-drift="behind"]').waitFor()
    expect(await page.locator('.row-card tbody tr').allTextContents()).toEqual(['statusqueuedpending'])
    inD1(stateDir, 'ALTER TABLE export_jobs RENAME TO hidden')
    try {
      await act('Write the row again')
      expect(await finding('mirror_behind')).toMatch(
        /^The list in D1 is behind: it could not be written (once|\d+ times); next: write the row again \((now|in \d+ s)(, at .+)?\)\.$/,
      )
      await page.locator('[data-drift="unreachable"]').waitFor()
    } finally {
      inD1(stateDir, 'ALTER TABLE hidden RENAME TO export_jobs')
    }
    await page.locator('[data-drift="none"]').waitFor({ timeout: 30_000 })
    await world.client.jobs.cancel(id)
  })

  test('a webhook’s receiver that is down', async () => {
    const webhook_url = `http://127.0.0.1:${await freePort(0)}/hooks`
    const { id } = await world.createJob({ webhook_url, webhook_events: ['queued'], metadata: held() })
    await open(id)
    expect(await finding('webhook_failing')).toMatch(
      /^The webhook’s receiver did not take “queued” \(tried (once|\d+ times)\); next: send it again \((now|in \d+ (s|min))(, at .+)?\)\.$/,
    )
    await page.getByRole('button', { name: 'Send it now' }).waitFor()
    await follow('webhook_failing', 'Send the webhook again')
    expect(await page.locator('.owed-card li').first().textContent()).toMatch(
      /^Webhook “queued” .*(refused|connect|answer|reach).* \(tried (once|\d+ times)\); next try /i,
    )
    await world.client.jobs.cancel(id)
  })

  // The shortest deadline is a minute, and the last tenth of it is near.
  test('a deadline that is near: it can be put off', { timeout: 120_000 }, async () => {
    const { id } = await world.createJob({ policy: { deadline_seconds: 60 }, metadata: held() })
    await open(id)
    expect(await finding('deadline_near', 75_000)).toMatch(
      /^The job is close to its deadline; next: end it as deadline_exceeded unless it is done or put off \((now|in \d+ s)(, at .+)?\)\.$/,
    )
    await follow('deadline_near', 'Extend the deadline')
    await page.locator('[data-finding="deadline_near"]').waitFor({ state: 'detached' })
    await page.locator('.pairs', { hasText: ', extended' }).waitFor()
    await world.client.jobs.cancel(id)
  })

  test('is one screen, with what the job is beside it, and is walked by keys', async () => {
    const { id } = await world.createJob({ metadata: held(), tags: ['spring'] })
    await page.setViewportSize({ width: 1280, height: 800 })
    await open(id)
    await page.locator('.event-row').nth(2).waitFor()
    expect(
      await page.evaluate(() => document.documentElement.scrollHeight - innerHeight),
    ).toBeLessThanOrEqual(0)
    for (const part of ['.findings', '.lanes', '.event-rows', '.inspector-side'])
      expect((await page.locator(part).boundingBox())?.y).toBeLessThan(700)
    expect(await page.locator('.inspector-side').textContent()).toMatch(/Tagsspring.*stall timeout 1 min/)
    await page.keyboard.press('j')
    await page.locator('.event-row[aria-pressed="true"]').waitFor()
    await page.keyboard.press('j')
    await page.locator('.event-row[data-event="attempt_started"][aria-pressed="true"]').waitFor()
    const first = new URL(page.url()).searchParams.get('event')
    await page.keyboard.press('k')
    await page.keyboard.press('k')
    await page.locator('.event-row[data-event="created"][aria-pressed="true"]').waitFor()
    expect(first).not.toBe('1')
    await page.locator('.event-raw pre', { hasText: '"seq": 1' }).waitFor()
    await page.keyboard.press('e')
    await page.getByText('No event is like this.').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('je')
    expect(await page.getByRole('textbox', { name: 'Search the events' }).inputValue()).toBe('je')
    await world.client.jobs.cancel(id)
  })

  test.each(['light', 'dark'] as const)(
    'can be read by everyone, on a phone too (%s)',
    async (colorScheme) => {
      const { id } = await world.createJob({ metadata: held() })
      const own = await world.page({ colorScheme })
      for (const size of [
        { width: 1280, height: 900 },
        { width: 375, height: 800 },
      ]) {
        await own.setViewportSize(size)
        await own.goto(`${world.stack.url}/admin/jobs/${id}`)
        await own.locator('.event-row').first().waitFor()
        await expectAccessible(own)
        const beyond = () => own.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        expect(await beyond()).toBeLessThanOrEqual(0)
      }
      await own.context().close()
      await world.client.jobs.cancel(id)
    },
  )
})
