/**
 * The Worker's log: one JSON line for each request, and one for each bug. Paths are logged as patterns, since a URL
 * may carry a signature; bodies and headers never. Faults of what it depends on are told as those of the actors are.
 * Nothing else in the Worker writes to the console.
 */
import { redacted } from '../actors/log.ts'
import type { Exchange } from './http.ts'

/** @param ms how long the answer took to begin */
export function logRequest({ request, requestId, notes }: Exchange, status: number, ms: number): void {
  const line = {
    at: 'request',
    method: request.method,
    route: notes.route,
    status,
    ms,
    request_id: requestId,
    job_id: notes.jobId,
  }
  console.log(JSON.stringify(line))
}

/** What a run of something scheduled did, in figures. */
export function logFigures(at: string, figures: object): void {
  console.log(JSON.stringify({ at, ...figures }))
}

/** A bug of this service, with its stack. */
export function logFailure({ requestId, notes }: Exchange, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  console.error(
    JSON.stringify({
      at: 'bug',
      route: notes.route,
      request_id: requestId,
      job_id: notes.jobId,
      error: redacted(text),
    }),
  )
}
