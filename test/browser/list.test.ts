import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser/browser.ts'
import { inD1 } from '../support/browser/d1.ts'
import { row, untilStatus } from '../support/browser/pages.ts'
import { startWorld, type World } from '../support/browser/world.ts'

/** Enforced on a quiet computer only: `FIGURES=1 npm run test:browser list`. Otherwise only printed. */
const HELD = process.env.FIGURES === '1'

describeInBrowser('the list of exports', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())
  beforeEach(() => world.faults({}))

  test('five hundred are scrolled without a click, rest quietly, and are found again on Back', async () => {
    inD1(join(world.dir, 'state'), rowsOf(500, 500, 'complete'))
    const page = await world.page()
    await page.goto(`${world.stack.url}/?project=500`)
    await page.locator('.row').first().waitFor()
    await expect
      .poll(
        async () => {
          await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight))
          return page.locator('.row').count()
        },
        { timeout: 60_000 },
      )
      .toBe(500)
    const names = await page.locator('.row-name').allTextContents()
    expect(names).toEqual(Array.from({ length: 500 }, (_, nth) => `Reel ${499 - nth}`))
    const long = await page.evaluate(async () => {
      const tasks: number[] = []
      const watch = new PerformanceObserver((list) =>
        tasks.push(...list.getEntries().map(({ duration }) => duration)),
      )
      watch.observe({ type: 'longtask' })
      await new Promise((settle) => setTimeout(settle, 5000))
      return tasks
    })
    console.log('long tasks in five seconds at rest with 500 rows:', long)
    if (HELD) expect(long).toEqual([])

    const far = page.locator('.row').nth(420)
    await far.scrollIntoViewIfNeeded()
    const before = await page.evaluate(() => scrollY)
    await far.locator('.row-name').click()
    await page.waitForURL('**/jobs/**')
    await page.goBack()
    await expect.poll(() => page.evaluate(() => scrollY), { timeout: 20_000 }).toBe(before)
    expect(await page.locator('.row').count()).toBe(500)
  })

  test('thirty that run are told of by one request, and by two sockets at most', async () => {
    inD1(join(world.dir, 'state'), rowsOf(501, 30, 'processing'))
    const page = await world.page()
    let open = 0
    let most = 0
    page.on('websocket', (socket) => {
      open += 1
      most = Math.max(most, open)
      socket.on('close', () => {
        open -= 1
      })
    })
    const statuses: number[] = []
    page.on('response', (response) => {
      if (response.url().includes('status=processing')) statuses.push(response.status())
    })
    await page.goto(`${world.stack.url}/?project=501`)
    await expect.poll(() => page.locator('.row').count(), { timeout: 20_000 }).toBe(30)
    for (const nth of [0, 5, 10, 15]) await page.locator('.row').nth(nth).hover()
    await expect.poll(() => statuses.length, { timeout: 30_000 }).toBeGreaterThan(1)
    expect(statuses.slice(0, 2)).toEqual([200, 304])
    console.log('sockets at once:', most)
    expect(most).toBeLessThanOrEqual(2)
  })

  test('several are cancelled or deleted at once; a name of one’s own is found again', async () => {
    await world.faults({ hold_queue: true })
    const made: string[] = []
    for (const name of ['Alpha', 'Beta', 'Gamma']) {
      made.push((await world.createJob({ metadata: { name } })).id)
    }
    const page = await world.page()
    await page.goto(world.stack.url)
    await page.getByLabel('Search by name').fill('bet')
    await expect.poll(() => page.locator('.row').count()).toBe(1)
    expect(await page.locator('.row-name').textContent()).toBe('Beta')
    await page.getByLabel('Search by name').fill('')
    for (const name of ['Alpha', 'Gamma']) await page.getByLabel(`Choose ${name}`).check()
    await page.getByRole('button', { name: 'Cancel 2' }).click()
    for (const id of [made[0], made[2]]) await untilStatus(row(page, id ?? ''), 'cancelled')
    for (const name of ['Alpha', 'Gamma']) await page.getByLabel(`Choose ${name}`).check()
    await page.getByRole('button', { name: 'Delete 2' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click()
    for (const id of [made[0], made[2]]) await row(page, id ?? '').waitFor({ state: 'detached' })
    expect(await row(page, made[1] ?? '').count()).toBe(1)
    await world.client.jobs.cancel(made[1] ?? '')
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

/** As many rows of a project as a user has after a year, without the jobs themselves. */
function rowsOf(project: number, count: number, status: string): string {
  const born = Date.UTC(2026, 0, 1)
  return `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})
    INSERT INTO export_jobs (id, project_id, type, status, progress, input_video_key, params, metadata, max_attempts,
      request_hash, version, created_at, finished_at, mirrored_at)
    SELECT printf('0198b2f4-6c1e-7d3a-%04x-%012x', ${project}, i), ${project}, 'overlay', '${status}', 40,
      'input/x/clip.mp4', '{}', json_object('name', 'Reel ' || i), 3, '', 1, ${born} + i * 1000,
      ${status === 'complete' ? `${born} + i * 1000 + 500` : 'NULL'}, ${born} FROM n`
}
