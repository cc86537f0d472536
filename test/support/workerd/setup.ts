/**
 * Before each test file: an empty list, bucket and lanes, because files share one runtime, and a console whose lines are
 * searched for secrets.
 */
import { applyD1Migrations, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect } from 'vitest'
import { runImportsInPlace } from './near-modules.ts'
import { search, watchConsole } from './secret-scan.ts'

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
await env.DB.batch([
  ...[
    'export_jobs',
    'export_job_assets',
    'job_uploads',
    'sweep_cursors',
    'unused_uploads',
    'job_counters',
  ].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
  // The list's own row, as in a list that was always complete.
  env.DB.prepare(
    `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash,
       created_at, mirrored_at) VALUES ('sweep', 0, '', 'sweep', '', '{}', 0, '', 0, 0)`,
  ),
])
const { objects } = await env.VIDEOS.list()
await env.VIDEOS.delete(objects.map(({ key }) => key))

const lanes = ['default', 'single'].map((name) => env.LANE.getByName(name))
for (const lane of lanes) {
  await runInDurableObject(lane, (_, { storage }) => storage.deleteAll())
  await evictDurableObject(lane)
}
runImportsInPlace()

/** Refusals by RunPod in an earlier test must not affect the next one. */
beforeEach(async () => {
  for (const lane of lanes) await lane.resume({ by: 'test', reason: '' })
})

watchConsole()
afterEach(() => {
  expect(search().leaks, 'lines of the log that hold a secret').toEqual([])
})
