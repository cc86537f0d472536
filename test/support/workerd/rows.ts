/** Inserts rows into the list, as the Worker does when a job is created. */
import { env } from 'cloudflare:workers'

export async function birthRow(id: string, input = `input/${id}/clip.mp4`, type = 'overlay'): Promise<void> {
  const columns =
    'id, project_id, type, status, input_video_key, params, max_attempts, request_hash, created_at, due_at, mirrored_at'
  await env.DB.prepare(
    `INSERT INTO export_jobs (${columns}) VALUES (?, 1, ?, 'pending', ?, '{}', 3, 'hash', ?, ?, ?)`,
  )
    .bind(id, type, input, Date.now(), Date.now(), Date.now())
    .run()
}
