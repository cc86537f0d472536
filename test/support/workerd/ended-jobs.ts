/** Rows of ended jobs in D1, by the thousand, for tests of aggregates. */
import { env } from 'cloudflare:workers'

/**
 * Inserts `jobs` rows, the newest ended at `until` and each earlier one `spacingMs` before: seven of ten complete, two
 * in error with one of two codes, one cancelled. The n-th waited n % 100 seconds and ran for 10.
 */
export async function insertEndedJobs(jobs: number, until: number, spacingMs: number): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, attempt, max_attempts,
       request_hash, version, created_at, mirrored_at, finished_at, error_code, queue_seconds, total_seconds,
       gpu_seconds, wasted_seconds, webhooks_taken, webhooks_failed)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
     SELECT printf('0192e000-0000-7000-8000-%012x', i), 1 + i % 3, CASE WHEN i % 4 = 0 THEN 'trim' ELSE 'overlay' END,
       CASE WHEN i % 10 < 7 THEN 'complete' WHEN i % 10 < 9 THEN 'error' ELSE 'cancelled' END,
       'input/1/clip.mp4', '{"items":[{"type":"text","text":"Hello"}]}', 1 + (i % 10 = 8), 3, 'hash', 9,
       ?2 - i * ?3 - 60000, ?2, ?2 - i * ?3,
       CASE i % 10 WHEN 7 THEN 'stalled' WHEN 8 THEN 'worker_error' END, i % 100, i % 100 + 10, 10,
       CASE WHEN i % 10 < 7 THEN 0 ELSE 10 END, i % 2, i % 10 = 0 FROM n`,
  )
    .bind(jobs, until, spacingMs)
    .run()
}
