/** Codes come from GPU workers: names of inherited object properties are treated like any other code. */
import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import type { Statistics } from '../../../wire/admin.ts'
import { T0 } from '../../support/workerd/clock.ts'
import { insertEndedJobs } from '../../support/workerd/ended-jobs.ts'
import { api, bodyOf, useHttpWorld } from '../../support/workerd/http.ts'

useHttpWorld()

it('Error codes and types such as `constructor` are counted, not looked up', async () => {
  await insertEndedJobs(10, T0, 60_000)
  await env.DB.prepare(`UPDATE export_jobs SET error_code = 'constructor' WHERE error_code = 'stalled'`).run()
  await env.DB.prepare(`UPDATE export_jobs SET type = '__proto__' WHERE type = 'trim'`).run()
  const { error_codes, ended } = await bodyOf<Statistics>(await api('/api/admin/stats'))
  expect(error_codes).toHaveLength(2)
  expect(error_codes).toContainEqual({ code: 'constructor', jobs: 1 })
  expect(Object.entries(ended.by_type).map(([type, counts]) => [type, counts.complete])).toEqual([
    ['__proto__', 2],
    ['overlay', 5],
  ])
})
