/** One JSON line for each request, and one for each bug. Paths are logged as patterns: a URL may carry a signature. */
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

/** An error may quote the address it was about. */
function redacted(text: string): string {
  return text.replace(/\b(sig|token)=[^&\s"']+/g, '$1=…').replace(/Bearer +\S+/gi, 'Bearer …')
}
