/**
 * The Worker's log: one JSON line for each request, one for each fault of what it depends on, one for each bug. Paths
 * are logged as patterns, since a URL may carry a signature; bodies and headers never. Nothing else in the Worker
 * writes to the console, so that whatever an error quotes passes through `redacted`.
 */
import type { Exchange } from './http.ts'
import { withoutSecrets } from './redact.ts'

const MOST_ERROR_CHARACTERS = 4_000

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

/** Something that this service depends on failed: D1, R2, an actor. `about` must hold no secrets. */
export function logFault(at: string, error: unknown, about: Record<string, string | number> = {}): void {
  console.error(JSON.stringify({ at, ...about, error: redacted(String(error)) }))
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

/** `text` without signatures and tokens, and not too long. */
export function redacted(text: string): string {
  const shown = withoutSecrets(text)
  return shown.length > MOST_ERROR_CHARACTERS ? `${shown.slice(0, MOST_ERROR_CHARACTERS)}…` : shown
}
