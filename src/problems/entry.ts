/** The documentation of one problem code: in docs/errors.md, at its type URI, and in the OpenAPI document. */
export interface ProblemEntry {
  /** The HTTP statuses of this code. */
  readonly statuses: readonly number[]
  /** When the API returns it. */
  readonly cause: string
  /** What the caller should do. */
  readonly remedy: string
}
