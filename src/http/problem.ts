/**
 * Refusals as RFC 9457 problem details. A handler that cannot answer throws a `Problem`, and the router's only catch
 * turns it into a response. Any other thrown value is a bug, whose response contains only the request id.
 */
import type { FieldError, ProblemJson } from '../../wire/problem.ts'
import { type ProblemCode, problemPath, titleOf } from '../problems/index.ts'

interface Extras {
  errors?: readonly FieldError[]
  headers?: Record<string, string>
}

export class Problem extends Error {
  readonly status: number
  /** Stable and machine-readable; clients branch on it. */
  readonly code: ProblemCode
  readonly errors: readonly FieldError[]
  readonly headers: Record<string, string>

  /** @param detail one sentence that the caller can act on */
  constructor(status: number, code: ProblemCode, detail: string, { errors = [], headers = {} }: Extras = {}) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.code = code
    this.errors = errors
    this.headers = headers
  }

  /** @param base public address of this deployment, the prefix of its type URIs */
  toResponse(requestId: string, base: string): Response {
    const body: ProblemJson = {
      type: `${base}${problemPath(this.code)}`,
      title: titleOf(this.code),
      status: this.status,
      detail: this.message,
      code: this.code,
      request_id: requestId,
      ...(this.errors.length > 0 && { errors: [...this.errors] }),
    }
    return new Response(JSON.stringify(body), {
      status: this.status,
      headers: {
        'Content-Type': 'application/problem+json',
        'Cache-Control': 'no-store',
        ...this.headers,
      },
    })
  }
}

/** 400 naming each wrong field. */
export function invalid(errors: readonly FieldError[]): Problem {
  const [first] = errors
  const others = errors.length > 1 ? ` (and ${errors.length - 1} more, see errors)` : ''
  const detail = first
    ? `${first.pointer || 'The body'}: ${first.detail}${others}`
    : 'The request is invalid.'
  return new Problem(400, 'validation_failed', detail, { errors })
}

/** 503 for a temporary condition; `Retry-After` contains when to try again. */
export function unavailable(code: ProblemCode, detail: string, retryAfterSeconds = 5): Problem {
  return new Problem(503, code, detail, { headers: { 'Retry-After': String(retryAfterSeconds) } })
}

export function jobNotFound(): Problem {
  return new Problem(404, 'job_not_found', 'There is no such job, or it was deleted.')
}

/** 503 for a deployment whose setup is incomplete. Contains names of settings, never values. */
export function notConfigured(missing: readonly string[]): Problem {
  const detail = `This deployment is not configured: set or correct ${missing.join(' and ')}; npm run doctor says how.`
  return new Problem(503, 'not_configured', detail)
}
