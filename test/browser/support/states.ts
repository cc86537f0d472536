/** Every state that a page can be in, one after the other: whoever visits them checks or pictures each. */
import type { Page } from 'playwright-core'
import { dropVideo, row, untilStatus } from './pages.ts'
import type { World } from './world.ts'

/** `name` is that of the state; `done` is awaited before the page moves on. */
export type Visit = (page: Page, name: string) => Promise<void>

interface Scene {
  world: World
  page: Page
  visit: Visit
}

/** Leads one page through all of its states. The world must hold no job of project 7. */
export async function eachState(world: World, options: object, visit: Visit): Promise<void> {
  const page = await world.page(options)
  const scene = { world, page, visit }
  await making(scene)
  await following(scene)
  await listing(scene)
  await operating(scene)
  await failing(scene)
  await page.context().close()
  await world.faults({})
}

async function making({ world, page, visit }: Scene): Promise<void> {
  // Nothing of the service answers yet.
  await page.route('**/api/**', () => {})
  await page.goto(`${world.stack.url}/?project=7`)
  await page.getByRole('status', { name: 'Loading the list' }).waitFor()
  await page.locator('.uppy-Dashboard-browse').waitFor()
  await visit(page, 'studio-loading')
  await page.unrouteAll()

  await page.goto(`${world.stack.url}/?project=7`)
  await page.getByText('No exports yet').waitFor()
  await page.locator('.uppy-Dashboard-browse').waitFor()
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
  // Long enough to look around in, however slow the computer.
  await world.faults({ stall: { at_progress: 60, ms: 3000, times: 1 } })
  await untilStatus(page, 'processing')
  await page.waitForFunction(
    () => Number(document.querySelector('.bar')?.getAttribute('aria-valuenow')) >= 60,
  )
  await visit(page, 'job-rendering')
  await untilStatus(page, 'complete')
  await page.locator('.connection').waitFor({ state: 'detached' })
  await page.locator('details.log summary').click()
  await visit(page, 'job-complete')

  await world.faults({ fail: { should_retry: false, message: 'The picture is too dark to see anything.' } })
  const failed = await world.createJob()
  await page.goto(`${world.stack.url}/jobs/${failed.id}`)
  await untilStatus(page, 'error')
  await visit(page, 'job-failed')

  await world.faults({ fail: { message: 'The GPU ran out of memory.', code: 'out_of_memory', times: 1 } })
  const again = await world.createJob()
  await page.goto(`${world.stack.url}/jobs/${again.id}`)
  await page.getByText('Attempt 1 failed').waitFor()
  await visit(page, 'job-retrying')
  await world.faults({ hold_queue: true })
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
  await page.getByLabel('Status').selectOption('cancelling')
  await page.getByText('No export is like this').waitFor()
  await world.client.jobs.cancel(waiting.id)
}

async function operating({ world, page, visit }: Scene): Promise<void> {
  await page.goto(`${world.stack.url}/admin`)
  await page.locator('.jobs-table tbody tr').first().waitFor()
  await page.locator('.chart canvas').waitFor()
  await visit(page, 'admin')

  const { jobs } = await world.client.jobs.list({ status: 'error', limit: 1 })
  await page.goto(`${world.stack.url}/admin/jobs/${jobs[0]?.id}`)
  await page.getByRole('heading', { name: 'Now and next' }).waitFor()
  await visit(page, 'admin-job')
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
