/** Visits every state of the pages in turn: the caller checks or captures each. */
import type { Page } from 'playwright-core'
import { dropVideo, openDetails, row, sharedLink, untilStatus } from './pages.ts'
import type { World } from './world.ts'

/** `name` identifies the state; the visit is awaited before the page continues. */
export type Visit = (page: Page, name: string) => Promise<void>

interface Scene {
  world: World
  page: Page
  visit: Visit
}

/** Drives one page through all of its states. The world must not contain a job of project 7. */
export async function eachState(world: World, options: object, visit: Visit): Promise<void> {
  const page = await world.page(options)
  const scene = { world, page, visit }
  await making(scene)
  await following(scene)
  await listing(scene)
  await operating(scene)
  await reading(scene)
  await failing(scene)
  await page.context().close()
  await world.faults({})
}

async function making({ world, page, visit }: Scene): Promise<void> {
  // No request to the service is answered yet.
  await page.route('**/api/**', () => {})
  await page.goto(`${world.stack.url}/?project=7`)
  await page.getByRole('status', { name: 'Loading the list' }).waitFor()
  await page.locator('.drop-zone').waitFor()
  await visit(page, 'studio-loading')
  await page.unrouteAll()

  await page.goto(`${world.stack.url}/?project=7`)
  await page.getByText('No exports yet').waitFor()
  await page.locator('.drop-zone').waitFor()
  await visit(page, 'studio-empty')

  await dropVideo(page, world.clip)
  await page.locator('.overlay-text').waitFor()
  await visit(page, 'studio-overlay')
  await page.getByRole('radio', { name: /crop/i }).check()
  await page.locator('.crop-area').waitFor()
  await visit(page, 'studio-crop')
  await page.getByRole('radio', { name: /trim/i }).check()
  await page.getByRole('slider', { name: 'Start of what is kept' }).fill('1.5')
  await visit(page, 'studio-trim')
  await page.getByRole('radio', { name: /overlay/i }).check()
  await page.getByRole('textbox', { name: 'Text' }).fill('')
  await page.getByRole('button', { name: 'Create export' }).click()
  await page.locator('[aria-invalid="true"]').waitFor()
  await visit(page, 'studio-refused')
}

async function following({ world, page, visit }: Scene): Promise<void> {
  await world.faults({ hold_queue: true })
  const { id } = await world.createJob({
    params: { items: [{ type: 'text', text: 'Summer 2026', x: 0.06, y: 0.76, size: 0.1 }] },
  })
  await page.goto(`${world.stack.url}/jobs/${id}`)
  await untilStatus(page, 'queued')
  await page.locator('.connection[data-connection="live"]').waitFor()
  await visit(page, 'job-queued')
  // Long enough for a visit on a slow computer.
  await world.faults({ stall: { at_progress: 60, ms: 3000, times: 1 } })
  await untilStatus(page, 'processing')
  await page.waitForFunction(
    () => {
      const bar = document.querySelector('.bar')
      return bar === null || Number(bar.getAttribute('aria-valuenow')) >= 60
    },
    undefined,
    { timeout: 60_000 },
  )
  await visit(page, 'job-rendering')
  await untilStatus(page, 'complete')
  await page.locator('.connection').waitFor({ state: 'detached' })
  await visit(page, 'job-complete')
  await openDetails(page)
  await page.locator('details.log summary').click()
  await visit(page, 'job-details')
  await page.goto(await sharedLink(world, id))
  await page.locator('.read-only').waitFor()
  await visit(page, 'job-shared')

  await world.faults({ fail: { should_retry: false, message: 'The picture is too dark to see anything.' } })
  const failed = await world.createJob()
  await page.goto(`${world.stack.url}/jobs/${failed.id}`)
  await untilStatus(page, 'error')
  await visit(page, 'job-failed')

  await world.faults({ fail: { message: 'The GPU ran out of memory.', code: 'out_of_memory', times: 1 } })
  const again = await world.createJob()
  await page.goto(`${world.stack.url}/jobs/${again.id}`)
  await openDetails(page)
  await page.getByText('Attempt 1 failed').waitFor()
  // However long it is looked at: its next attempt waits.
  await world.faults({ hold_queue: true })
  await visit(page, 'job-retrying')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await untilStatus(page, 'cancelled')
  await visit(page, 'job-cancelled')
}

async function listing({ world, page, visit }: Scene): Promise<void> {
  const waiting = await world.createJob({ type: 'crop', params: { aspect_ratio: '9:16' } })
  await page.goto(world.stack.url)
  await untilStatus(row(page, waiting.id), 'queued')
  await visit(page, 'studio-list')
  await page.getByRole('button', { name: 'Delete' }).first().click()
  await page.getByRole('dialog').waitFor()
  await visit(page, 'studio-delete')
  await page.getByRole('button', { name: 'Keep it' }).click()
  await row(page, waiting.id).getByRole('checkbox').check()
  await page.getByText('1 chosen').waitFor()
  await visit(page, 'studio-chosen')
  await page.getByLabel('Status').selectOption('cancelling')
  await page.getByText('No export is like this').waitFor()
  await world.client.jobs.cancel(waiting.id)
  const { jobs } = await world.client.jobs.list({ status: 'complete', limit: 1 })
  await page.goto(`${world.stack.url}/?rerun=${jobs[0]?.id}`)
  await page.getByRole('link', { name: 'earlier export' }).waitFor()
  await page.locator('.overlay-text').waitFor()
  await visit(page, 'studio-rerun')
}

async function operating({ world, page, visit }: Scene): Promise<void> {
  await page.goto(`${world.stack.url}/admin?tab=all`)
  await page.locator('.jobs-table tbody tr').first().waitFor()
  await page.getByText('Charts and rankings').click()
  await page.locator('.chart canvas').waitFor()
  await visit(page, 'admin')
  await page.getByLabel('Select all that are loaded').check()
  await page.getByRole('button', { name: /^Retry \d+ selected/ }).click()
  await page.getByRole('dialog').waitFor()
  await visit(page, 'admin-bulk')
  await page.getByRole('button', { name: 'Leave it' }).click()
  await page.goto(`${world.stack.url}/admin`)
  // On a busy computer a row may be behind, which then stands here.
  await page.locator('section[aria-label="Jobs"] :is(.jobs-table, p.muted)').waitFor()
  await visit(page, 'admin-attention')
  await page.goto(`${world.stack.url}/admin/lanes`)
  await page.getByRole('heading', { name: 'default' }).waitFor()
  await visit(page, 'lanes')

  const { jobs } = await world.client.jobs.list({ status: 'error', limit: 1 })
  await page.goto(`${world.stack.url}/admin/jobs/${jobs[0]?.id}`)
  await page.getByRole('heading', { name: 'Now and next' }).waitFor()
  await visit(page, 'admin-job')
  await page.locator('.event-row').first().click()
  await page.locator('.event-raw').waitFor()
  await page.locator('.menu summary').click()
  await visit(page, 'admin-job-open')
}

async function reading({ world, page, visit }: Scene): Promise<void> {
  for (const [path, name] of [
    ['/docs', 'docs'],
    ['/docs/webhooks', 'docs-guide'],
    ['/errors/worker_error', 'docs-error'],
  ]) {
    await page.goto(`${world.stack.url}${path}`)
    await page.locator('main h1, main h2').first().waitFor()
    await visit(page, name ?? '')
  }
}

async function failing({ world, page, visit }: Scene): Promise<void> {
  await page.goto(`${world.stack.url}/jobs/no-such-job`)
  await page.getByRole('alert').waitFor()
  await visit(page, 'job-unknown')
  await page.goto(`${world.stack.url}/jobs/0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000?token=nonsense`)
  await page.getByLabel('Access token').waitFor()
  await visit(page, 'job-token')
  await page.route('**/api/**', (route) => route.abort())
  await page.goto(`${world.stack.url}/?project=7`)
  await page.getByText('The studio could not be prepared').waitFor()
  await page.getByText('The list could not be loaded').waitFor()
  await visit(page, 'studio-unreachable')
  await page.goto(`${world.stack.url}/nowhere`)
  await page.getByText('There is no page here').waitFor()
  await visit(page, 'nowhere')
}
