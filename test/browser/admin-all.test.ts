/** All jobs: figures over a list that is searched, live, and acted on in bulk after a count. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Job } from '../../client/index.ts'
import { expectAccessible } from './support/axe.ts'
import { describeInBrowser } from './support/browser.ts'
import { untilStatus } from './support/pages.ts'
import { startWorld, type World } from './support/world.ts'

/** The list is asked for again every few seconds. */
const PATIENT = { timeout: 10_000 }

describeInBrowser('all jobs', () => {
  let world: World
  let page: Page
  let failed: Job
  let held: Job[]
  beforeAll(async () => {
    world = await startWorld(2, { GPU_PRICE_PER_SECOND: '0.001' })
    const fail = { message: 'Too dark.', code: 'invalid_media', should_retry: false }
    failed = await world.createJob({ metadata: { faults: { fail } } })
    await world.client.jobs.waitFor(failed.id, { resolveFailed: true })
    const metadata = { faults: { hold_queue: true } }
    held = [await world.createJob({ metadata }), await world.createJob({ metadata })]
    page = await world.page()
  })
  afterAll(() => world?.close())

  const ids = () =>
    page.locator('.jobs-table tbody tr').evaluateAll((rows) => rows.map((row) => row.dataset.job))
  const rowOf = (job: Job) => page.locator(`tr[data-job="${job.id}"]`)

  test('shows figures and charts over the list, and moves live', async () => {
    await page.goto(`${world.stack.url}/admin`)
    await untilStatus(rowOf(failed), 'error')
    expect(await page.locator('.figures').textContent()).toMatch(/Ended\s*1 1 error/)
    expect(await page.locator('.ranking').first().textContent()).toBe('Error codesinvalid_media1')
    await page.locator('.chart canvas').waitFor()
    await untilStatus(rowOf(held[0] as Job), 'queued')
    await expectAccessible(page)
  })

  test('finds by id, status, code, project and date', async () => {
    const all = [held[1]?.id, held[0]?.id, failed.id]
    const [first] = all
    await expect.poll(ids, PATIENT).toEqual(all)
    const fill = async (label: string, value: string, found: (string | undefined)[]) => {
      await page.getByLabel(label, { exact: true }).fill(value)
      await expect.poll(ids, PATIENT).toEqual(found)
      await page.getByLabel(label, { exact: true }).fill('')
      await expect.poll(ids, PATIENT).toEqual(all)
    }
    await fill('Id', failed.id, [failed.id])
    await fill('Error code', 'invalid_media', [failed.id])
    await fill('Project', '2', [])
    await fill('Created before', '2020-01-01T00:00', [])
    await fill('Created after', '2020-01-01T00:00', all)
    await page.locator('.search-fields').getByLabel('Status').selectOption('queued')
    await expect.poll(ids, PATIENT).toEqual([first, held[0]?.id])
  })

  test('counts before it acts on many, and says what was done', async () => {
    await page.getByRole('button', { name: 'Cancel all found…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('heading', { name: 'Cancel 2 jobs?' }).waitFor()
    await dialog.getByLabel('Why, for the log').fill('Not needed any more.')
    await dialog.getByRole('button', { name: 'Cancel 2' }).click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(ids, PATIENT).toEqual([])
    await page.locator('.search-fields').getByLabel('Status').selectOption('')
    for (const job of held) await untilStatus(rowOf(job), 'cancelled')
    await rowOf(failed).getByRole('checkbox').check()
    await page.getByRole('button', { name: 'Retry 1 selected…' }).click()
    await dialog.getByRole('heading', { name: 'Retry 1 job?' }).waitFor()
    await dialog.getByRole('button', { name: 'Leave it' }).click()
  })

  test('leads to one job, whose page has an address for each event', async () => {
    await rowOf(failed).getByRole('link').click()
    await page.getByRole('heading', { name: 'Now and next' }).waitFor()
    await page.getByRole('textbox', { name: 'Search the events' }).fill('attempt failed')
    await page.locator('.event-row').click()
    const event = new URL(page.url()).searchParams.get('event')
    await page.reload()
    await page.locator('.event-row[aria-pressed="true"][data-event="attempt_failed"]').waitFor()
    expect(await page.locator('.event-raw pre').textContent()).toContain(`"seq": ${event}`)
    await page.getByLabel('Errors only').check()
    await expect.poll(() => page.locator('.event-row').count(), PATIENT).toBe(2)
    await page.locator('.event-row').first().focus()
    await page.keyboard.press('ArrowDown')
    await page.locator('.event-row[data-event="error"][aria-pressed="true"]').waitFor()
    await page.locator('.mark[aria-pressed="true"]').waitFor()
  })

  test('downloads the job as one file', async () => {
    await page.locator('.menu summary').click()
    const started = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download as one file' }).click()
    expect((await started).suggestedFilename()).toBe(`exportal-job-${failed.id}.json`)
  })
})
