/** Rerun with changes: the studio, filled with the parameters of a job. There is no separate route of the API. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Job } from '../../client/index.ts'
import { describeInBrowser } from '../support/browser/browser.ts'
import { videoHost } from '../support/browser/files.ts'
import { createExport, dropVideo, row } from '../support/browser/pages.ts'
import { leave, startWorld, type World } from '../support/browser/world.ts'

const ITEM = { type: 'text', text: 'Summer', x: 0.1, y: 0.2, size: 0.1 } as const

describeInBrowser('an export that is run again with changes', () => {
  let world: World
  let first: Job
  beforeAll(async () => {
    world = await startWorld(2)
    const created = await world.createJob({
      params: { items: [ITEM] },
      metadata: { name: 'Summer film', order: 7 },
    })
    first = await world.client.jobs.waitFor(created.id)
  })
  afterAll(() => world?.close())

  const WAYS = {
    'its page': async (page: Page) => {
      await page.goto(`${world.stack.url}/jobs/${first.id}`)
      await page.getByRole('link', { name: 'Change and export again' }).click()
    },
    'the list': async (page: Page) => {
      await page.goto(world.stack.url)
      await row(page, first.id).getByRole('link', { name: 'Change Summer film and export again' }).click()
    },
    'the inspector': async (page: Page) => {
      await page.goto(`${world.stack.url}/admin/jobs/${first.id}`)
      await page.locator('.menu summary').click()
      await page.getByRole('link', { name: 'Change and export again' }).click()
    },
    'an address': async (page: Page) => {
      await page.goto(`${world.stack.url}/?rerun=${first.id}`)
    },
  }

  test.each(Object.entries(WAYS))('from %s', async (_, open) => {
    const page = await world.page()
    await open(page)
    const text = page.getByRole('textbox', { name: 'Text' })
    await expect.poll(() => text.inputValue()).toBe('Summer')
    expect(await page.getByRole('radio', { name: /overlay/i }).isChecked()).toBe(true)
    expect(await page.locator('.source').textContent()).toMatch(/^holiday\.mp4earlier export/)
    expect(await page.getByLabel('Name of the export').inputValue()).toBe('Summer film')
    await text.fill('Autumn')
    await expect.poll(() => page.url()).not.toContain('rerun')
    await page.reload()
    await expect.poll(() => text.inputValue()).toBe('Autumn')

    const again = await world.client.jobs.get(await createExport(page))
    expect(again).toMatchObject({
      type: 'overlay',
      input_video_key: first.input_video_key,
      metadata: { rerun_of: first.id },
    })
    expect(again.params).toMatchObject({ items: [{ ...ITEM, text: 'Autumn' }] })
    await leave(page)
  })

  test('is forgotten with its video, and can be undone', async () => {
    const page = await world.page()
    await page.goto(world.stack.url)
    await dropVideo(page, world.clip)
    const text = page.getByRole('textbox', { name: 'Text' })
    await text.fill('Before')
    await row(page, first.id).getByRole('link', { name: 'Change Summer film and export again' }).click()
    await expect.poll(() => text.inputValue()).toBe('Summer')
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => text.inputValue()).toBe('Before')
    await page.getByRole('button', { name: 'Replace' }).click()
    await dropVideo(page, world.clip)
    const { metadata } = await world.client.jobs.get(await createExport(page))
    expect(metadata).toEqual({})
    await leave(page)
  })

  test('of a video that lies elsewhere has its address, as far as the service shows it', async () => {
    const { host, stop } = await videoHost(world.clip)
    onTestFinished(stop)
    const input_video_url = `http://${host}/films/elsewhere.mp4?signature=secret`
    const { job } = await world.client.jobs.create({ project_id: 1, type: 'overlay', input_video_url })
    const { id } = job
    await world.client.jobs.waitFor(id, { resolveFailed: true })
    const page = await world.page()
    await page.goto(`${world.stack.url}/?rerun=${id}`)
    await page.locator('.stage video').waitFor()
    const again = await world.client.jobs.get(await createExport(page))
    expect(again).toMatchObject({
      input_video_url: `http://${host}/films/elsewhere.mp4`,
      metadata: { rerun_of: id },
    })
    await leave(page)
  })

  test('that is gone is said to be, and the studio can be used all the same', async () => {
    const page = await world.page()
    await page.goto(`${world.stack.url}/?rerun=0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000`)
    await page.getByText('The export to be changed could not be opened').waitFor()
    await dropVideo(page, world.clip)
    await leave(page)
  })
})
