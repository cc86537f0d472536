/**
 * Places under MAX_ACTIVE_JOBS_PER_PROJECT. A new job and a new round of an ended one take a place by the same
 * condition, within the statement that makes the row count, so that two concurrent requests cannot both take the last
 * one.
 */
import type { CommandAnswer } from '../../actors/export-job/rpc.ts'
import { positiveInteger } from '../../actors/shared/settings.ts'
import type { Env } from '../env.ts'
import { Problem } from '../http/problem.ts'
import { callJob } from '../stubs.ts'
import { reach } from './reach.ts'
import { readRow } from './row.ts'

/** An export takes minutes, so a place rarely becomes free at once. */
const NO_ROOM_RETRY_SECONDS = 30

/**
 * SQL that is true while a project has fewer unfinished jobs than `most`; NULL means no limit. It must be part of the
 * statement that adds one, so that two concurrent requests cannot both take the last place.
 */
export function hasRoom(project: string, most: string): string {
  return `(${most} IS NULL OR ${most} > (SELECT COUNT(*) FROM (SELECT 1 FROM export_jobs AS other
    WHERE other.project_id = ${project} AND other.outcome = 'open'
    LIMIT ${most})))`
}

/** Maximum number of unfinished jobs of one project; null for no limit. */
export function mostActiveJobs(env: Env): number | null {
  return positiveInteger(env.MAX_ACTIVE_JOBS_PER_PROJECT)
}

/** The 429 of a project without a free place, with Retry-After. */
export function tooManyActive(projectId: number, most: number | null): Problem {
  const detail = `Project ${projectId} has ${most} unfinished jobs, which is the most that it may have.`
  return new Problem(429, 'too_many_active_jobs', detail, {
    headers: { 'Retry-After': String(NO_ROOM_RETRY_SECONDS) },
  })
}

/**
 * Runs a command that may begin a new round of an ended job. The job's row takes a place first, and releases it when
 * the actor refuses. Until its actor writes the row, the row is due, so that the sweep repairs what a crash leaves.
 *
 * @param projectId that the caller is confined to; null for none
 * @throws Problem 429 when the project has no place left, or whatever `command` throws
 */
export async function withPlace(
  env: Env,
  id: string,
  projectId: number | null,
  command: () => Promise<CommandAnswer>,
): Promise<CommandAnswer> {
  const most = mostActiveJobs(env)
  const row = most === null ? null : await readRow(env, id)
  // A complete job has no new round, and an unfinished one already holds its place.
  if (most === null || !row || (row.status !== 'error' && row.status !== 'cancelled')) return command()
  // Nobody would write the row of a retired job again if this request ended before it releases the place.
  if (row.archived) return command()
  // The actor refuses this itself; no row of another project may be written for it.
  if (projectId !== null && projectId !== row.project_id) return command()
  const now = Date.now()
  const { status, version, due_at: dueAt, project_id: project } = row
  const taken = await changed(
    env.DB.prepare(
      `UPDATE export_jobs SET status = 'pending', due_at = ?1
       WHERE id = ?2 AND version = ?3 AND status = ?4 AND ${hasRoom('?5', '?6')}`,
    ).bind(now, id, version, status, project, most),
  )
  if (!taken) {
    const since = await readRow(env, id)
    // Another request has taken the place for this very job, or its actor has written the row.
    if (since?.version !== version || since.status !== status) return withPlace(env, id, projectId, command)
    throw tooManyActive(project, most)
  }
  const answer = await command()
  if (!answer.ok) {
    const isGivenBack = await changed(
      env.DB.prepare(
        `UPDATE export_jobs SET status = ?1, due_at = ?2 WHERE id = ?3 AND version = ?4 AND status = 'pending'`,
      ).bind(status, dueAt, id, version),
    )
    // The actor has written its row since, perhaps without a status that it had written before.
    if (!isGivenBack) await callJob(env, id, (job) => job.revive())
  }
  return answer
}

async function changed(statement: D1PreparedStatement): Promise<boolean> {
  return (await reach(() => statement.run())).meta.changes > 0
}
