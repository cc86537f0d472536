/**
 * A place under MAX_ACTIVE_JOBS_PER_PROJECT. A new job and a new round of an ended one take it by the same condition
 * within the one statement that makes the row count, so that two requests at once cannot both take the last.
 */
import type { CommandAnswer } from '../actors/export-job/rpc.ts'
import { type Env, positiveInteger } from './env.ts'
import { hasRoom, reach, readRow } from './job-rows.ts'
import { Problem } from './problem.ts'

/** An export takes minutes, so a place is not free at once. */
const NO_ROOM_RETRY_SECONDS = 30

/** Unfinished jobs that one project may have; null for any number. */
export function mostActiveJobs(env: Env): number | null {
  return positiveInteger(env.MAX_ACTIVE_JOBS_PER_PROJECT)
}

/** 429 with when to try again. */
export function tooManyActive(projectId: number, most: number | null): Problem {
  const detail = `Project ${projectId} has ${most} unfinished jobs, which is the most that it may have.`
  return new Problem(429, 'too_many_active_jobs', detail, {
    headers: { 'Retry-After': String(NO_ROOM_RETRY_SECONDS) },
  })
}

/**
 * Carries out a command that may begin a new round of an ended job: with a place of its own, which goes back when the
 * actor refuses. The row is due at once while it says so without its actor, so that the sweep mends what a crash leaves.
 *
 * @throws Problem 429 when the project has no place left, or whatever `command` throws
 */
export async function withPlace(
  env: Env,
  id: string,
  command: () => Promise<CommandAnswer>,
): Promise<CommandAnswer> {
  const most = mostActiveJobs(env)
  const row = most === null ? null : await readRow(env, id)
  // Of a complete job there is no new round, and an unfinished one has its place.
  if (most === null || !row || (row.status !== 'error' && row.status !== 'cancelled')) return command()
  const now = Date.now()
  const { status, version, due_at: dueAt, project_id: projectId } = row
  const taken = await changed(
    env.DB.prepare(
      `UPDATE export_jobs SET status = 'pending', due_at = ?1
       WHERE id = ?2 AND version = ?3 AND status = ?4 AND ${hasRoom('?5', '?6')}`,
    ).bind(now, id, version, status, projectId, most),
  )
  if (!taken) {
    const since = await readRow(env, id)
    // Another request has taken the place for this very job, or its actor has written to the row.
    if (since?.version !== version || since.status !== status) return withPlace(env, id, command)
    throw tooManyActive(projectId, most)
  }
  const answer = await command()
  if (!answer.ok) {
    await changed(
      env.DB.prepare(
        `UPDATE export_jobs SET status = ?1, due_at = ?2 WHERE id = ?3 AND version = ?4 AND status = 'pending'`,
      ).bind(status, dueAt, id, version),
    )
  }
  return answer
}

async function changed(statement: D1PreparedStatement): Promise<boolean> {
  return (await reach(() => statement.run())).meta.changes > 0
}
