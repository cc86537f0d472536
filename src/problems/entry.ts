/** What is told of one problem code, wherever it is told: in docs/errors.md, at its type URI, in the OpenAPI document. */
export interface ProblemEntry {
  /** Every HTTP status that it comes with. */
  readonly statuses: readonly number[]
  /** When it is answered. */
  readonly cause: string
  /** What the caller should do. */
  readonly remedy: string
}
