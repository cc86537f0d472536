/**
 * Before each test file: an empty list and bucket, as files share one runtime, and a console whose every line is searched for
 * secrets.
 */
import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, expect } from 'vitest'
import { search, watchConsole } from './secret-scan.ts'

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
await env.DB.batch([
  ...['export_jobs', 'export_job_assets', 'job_uploads', 'sweep_cursors', 'unused_uploads'].map((table) =>
    env.DB.prepare(`DELETE FROM ${table}`),
  ),
  // The list's own row, as a list that was always whole has it.
  env.DB.prepare(
    `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash,
       created_at, mirrored_at) VALUES ('sweep', 0, '', 'sweep', '', '{}', 0, '', 0, 0)`,
  ),
])
const { objects } = await env.VIDEOS.list()
await env.VIDEOS.delete(objects.map(({ key }) => key))

watchConsole()
afterEach(() => {
  expect(search().leaks, 'lines of the log that hold a secret').toEqual([])
})
