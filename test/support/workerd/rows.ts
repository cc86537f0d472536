/** Rows of the list, as the Worker writes them when a job is born. */
import { env } from 'cloudflare:workers'

export async function birthRow(id: string, input = `input/${id}/clip.mp4`): Promise<void> {
  const columns =
    'id, project_id, type, status, input_video_key, params, max_attempts, request_hash, created_at, due_at, mirrored_at'
  await env.DB.prepare(
    `INSERT INTO export_jobs (${columns}) VALUES (?, 1, 'overlay', 'pending', ?, '{}', 3, 'hash', ?, ?, ?)`,
  )
    .bind(id, input, Date.now(), Date.now(), Date.now())
    .run()
}
