import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { COLUMN_LIST } from '../../../actors/export-job/effects/job-columns.ts'

it('The table of columns names every column that the migrations make, and no other', async () => {
  const { results } = await env.DB.prepare('PRAGMA table_info(export_jobs)').all<{ name: string }>()
  expect(COLUMN_LIST.split(', ').sort()).toEqual(results.map(({ name }) => name).sort())
})
