import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeInBrowser } from './support/browser.ts'
import { row, untilStatus } from './support/pages.ts'
import { startWorld, type World } from './support/world.ts'

describeInBrowser('the list of exports', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({}))

  test('shows pages by cursor, newest first, each job once', async () => {
    await world.faults({ hold_queue: true })
    const ids: string[] = []
    for (let nth = 0; nth < 12; nth++) ids.unshift((await world.createJob({ project_id: 1 })).id)
    const page = await world.page()
    await page.goto(world.stack.url)
    await expect.poll(() => page.locator('.row').count()).toBe(10)
    await page.getByRole('button', { name: 'Load more' }).click()
    const shown = () =>
      page.locator('.row').evaluateAll((rows) => rows.map((each) => (each as HTMLElement).dataset.job))
    await expect.poll(shown).toEqual(ids)
    expect(await page.getByRole('button', { name: 'Load more' }).count()).toBe(0)
    await Promise.all(ids.map((id) => world.client.jobs.cancel(id)))
  })

  test('active jobs move by themselves; a job is cancelled, started again, and deleted', async () => {
    await world.faults({ hold_queue: true })
    const { id } = await world.createJob()
    const page = await world.page()
    await page.goto(world.stack.url)
    await untilStatus(row(page, id), 'queued')
    await row(page, id).getByRole('button', { name: 'Cancel' }).click()
    await untilStatus(row(page, id), 'cancelled')
    await world.faults({})
    await row(page, id).getByRole('button', { name: 'Retry' }).click()
    await untilStatus(row(page, id), 'complete')

    await row(page, id).getByRole('button', { name: 'Delete' }).click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.textContent()).toContain('cannot be undone')
    await dialog.getByRole('button', { name: 'Keep it' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await row(page, id).count()).toBe(1)
    await row(page, id).getByRole('button', { name: 'Delete' }).click()
    await dialog.getByRole('button', { name: 'Delete for good' }).click()
    await row(page, id).waitFor({ state: 'detached' })
    await expect(world.client.jobs.get(id)).rejects.toMatchObject({ status: 404 })
  })

  test('filters by status and by type', async () => {
    const page = await world.page()
    await page.goto(world.stack.url)
    await page.locator('.row').first().waitFor()
    await page.getByLabel('Status').selectOption('cancelled')
    await expect.poll(() => page.locator('.row:not([data-status="cancelled"])').count()).toBe(0)
    await page.getByLabel('Type', { exact: true }).selectOption('trim')
    await page.getByText('No export is like this').waitFor()
  })

  test('another project has a list of its own', async () => {
    const page = await world.page()
    await page.goto(`${world.stack.url}/?project=42`)
    await page.getByText('No exports yet').waitFor()
  })
})
