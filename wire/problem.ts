/** Refusals of the service: problem details (RFC 9457). */

/** One wrong field: a JSON Pointer (RFC 6901) into the body, or `/query/…`, `/header/…`, `/path/…`. */
export interface FieldError {
  pointer: string
  detail: string
}

export interface ProblemJson {
  type: string
  title: string
  status: number
  /** One sentence that the caller can act on. */
  detail: string
  /** Stable; clients branch on it. */
  code: string
  request_id: string
  errors?: FieldError[]
}
