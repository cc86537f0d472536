/**
 * The Worker's log: one JSON line for each request, with its caller, and one for each bug. Paths are logged as
 * patterns, since a URL may contain a signature; bodies and headers are never logged. Faults of dependencies are logged
 * in the format of the actors. Nothing else in the Worker writes to the console.
 */
import { writeLine } from '../../actors/shared/log.ts'
import { redacted } from '../../actors/shared/redact.ts'
import type { Exchange } from './exchange.ts'

type About = Pick<Exchange, 'requestId' | 'notes'>

/**
 * @param method HTTP method, or `RPC`
 * @param ms time until the answer began
 */
export function logRequest({ requestId, notes }: About, method: string, status: number, ms: number): void {
  if (notes.quiet) return
  const line = {
    at: 'request',
    method,
    route: notes.route,
    status,
    ms,
    request_id: requestId,
    job_id: notes.jobId,
    ...(notes.by !== undefined && { by: notes.by }),
  }
  writeLine('log', line)
}

/** Logs the figures of a scheduled run. */
export function logFigures(at: string, figures: object): void {
  writeLine('log', { at, ...figures })
}

/** Logs a bug of this service, with its stack. */
export function logFailure({ requestId, notes }: About, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const about = { route: notes.route, request_id: requestId, job_id: notes.jobId }
  writeLine('error', { at: 'bug', ...about, error: redacted(text) })
}
