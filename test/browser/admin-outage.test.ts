/** Inspectors whose requests fail for a moment. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser/browser.ts'
import { startWorld, type World } from '../support/browser/world.ts'

const EVENTS = 3_000

describeInBrowser('the inspector of a job', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(1)
  })
  afterAll(() => world?.close())

  const waitingJob = () => world.createJob({ metadata: { faults: { hold_queue: true } } })
  const inspected = async (id: string, path = '') => {
    const answer = await fetch(`${world.stack.url}/api/admin/jobs/${id}${path}`)
    const body: Record<string, unknown> = JSON.parse(await answer.text())
    return body
  }
  const extend = async (id: string, hours: number) => {
    const body = {
      action: 'extend_deadline',
      reason: 'A test.',
      deadline_at: new Date(Date.now() + hours * 3_600_000).toISOString(),
    }
    const answer = await fetch(`${world.stack.url}/api/admin/jobs/${id}/actions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(answer.status, await answer.text()).toBe(200)
  }
  const alerts = (page: Page) => page.getByRole('alert').count()

  test('goes on with the older lines of the log after one request for them failed', async () => {
    const { id } = await waitingJob()
    const body = await inspected(id)
    const page = await world.page()
    let failures = 0
    await page.route(`**/api/admin/jobs/${id}?*`, (route) => {
      const query = new URL(route.request().url()).searchParams
      const below = Number(query.get('before')) || EVENTS + 1
      if (query.has('before') && failures++ === 0) return route.fulfill({ status: 503, json: {} })
      const lines = Array.from({ length: 1_000 }, (_, nth) => {
        const seq = below - 1_000 + nth
        const at = new Date(Date.now() - (EVENTS - seq) * 1_000).toISOString()
        return { seq, at, type: 'stage', round: 1, attempt: 1, data: { stage: 'a', progress: 1 } }
      })
      const events = query.has('after') ? [] : lines
      return route.fulfill({ json: { ...body, log: { events, first_seq: 1, last_seq: EVENTS } } })
    })
    await page.goto(`${world.stack.url}/admin/jobs/${id}`)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('#events-title span', { hasText: new RegExp(`^${EVENTS}$`) }).waitFor()
  })

  test('takes back that it could not be refreshed once it is', async () => {
    const { id } = await waitingJob()
    const page = await world.page()
    await page.goto(`${world.stack.url}/admin/jobs/${id}`)
    await page.locator('.connection[data-connection="live"]').waitFor()
    const path = `**/api/admin/jobs/${id}?*`
    await page.route(path, (route) => route.abort())
    await extend(id, 30)
    await page.getByRole('alert').waitFor()
    await page.unroute(path)
    await extend(id, 40)
    await expect.poll(() => alerts(page)).toBe(0)
  })

  test('says when its file cannot be saved', async () => {
    const { id } = await waitingJob()
    const page = await world.page()
    await page.goto(`${world.stack.url}/admin/jobs/${id}`)
    await page.getByText('More', { exact: true }).click()
    await page.route(`**/api/admin/jobs/${id}?download`, (route) => route.abort())
    await page.getByRole('button', { name: 'Download as one file' }).click()
    await page.getByRole('alert').waitFor()
  })

  test('leaves the filters of the list open while one of them is emptied', async () => {
    const page = await world.page()
    await page.goto(`${world.stack.url}/admin?tab=all&tag=a`)
    const tag = page.getByRole('textbox', { name: 'Tag' })
    await tag.press('End')
    await tag.press('Backspace')
    await tag.pressSequentially('b')
    expect(await tag.inputValue()).toBe('b')
  })
})
