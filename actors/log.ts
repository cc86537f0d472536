/**
 * The log of the actors: one JSON line for each commit that the event log tells of, and one for each fault of what an
 * actor depends on. Progress writes none. Nothing else in the actors writes to the console, so that whatever an error
 * quotes passes through `redacted`.
 */
import type { LogLine } from '../wire/events.ts'
import { latestAttempt } from './export-job/core/attempts.ts'
import type { Job } from './export-job/core/job.ts'
import { cutText } from './export-job/core/text.ts'
import { withoutSecrets } from './redact.ts'

const MOST_ERROR_CHARACTERS = 4_000

/**
 * What has happened to a job, by the types of its new events: their data stay on the event log. `ms` is the time since
 * the round began.
 *
 * @param requestId of the HTTP request that asked for it; null when the alarm did
 */
export function logTransition(
  job: Job,
  events: readonly LogLine[],
  now: number,
  requestId: string | null,
): void {
  const line = {
    at: 'transition',
    job_id: job.request.id,
    events: events.map(({ type }) => type),
    status: job.phase.status,
    round: job.round,
    attempt: latestAttempt(job)?.attempt ?? 0,
    version: job.version,
    ms: now - job.roundStartedAt,
    ...(requestId !== null && { request_id: requestId }),
  }
  console.log(JSON.stringify(line))
}

/** Something that this service depends on failed: D1, R2, an actor. `about` must hold no secrets. */
export function logFault(at: string, error: unknown, about: Record<string, string | number> = {}): void {
  console.error(JSON.stringify({ at, ...about, error: redacted(String(error)) }))
}

/** `text` without signatures and tokens, and not too long. */
export function redacted(text: string): string {
  return cutText(withoutSecrets(text), MOST_ERROR_CHARACTERS, '…')
}
