/**
 * Every problem of the API by its code; a `Problem` can have no other code. docs/errors.md, the pages of the type URIs
 * and the answers in the OpenAPI document are generated from this catalogue.
 */
import { ACCESS_PROBLEMS } from './access.ts'
import { ADMIN_PROBLEMS } from './admin.ts'
import type { ProblemEntry } from './entry.ts'
import { JOB_PROBLEMS } from './jobs.ts'
import { REQUEST_PROBLEMS } from './requests.ts'
import { SERVICE_PROBLEMS } from './service.ts'
import { VIDEO_PROBLEMS } from './videos.ts'

/** Grouped by subject, for readers of the whole list. */
export const PROBLEM_GROUPS = {
  'The request': REQUEST_PROBLEMS,
  'Who may do what': ACCESS_PROBLEMS,
  Jobs: JOB_PROBLEMS,
  'An operator’s actions': ADMIN_PROBLEMS,
  Videos: VIDEO_PROBLEMS,
  'The service': SERVICE_PROBLEMS,
} as const

export const PROBLEMS = {
  ...REQUEST_PROBLEMS,
  ...ACCESS_PROBLEMS,
  ...JOB_PROBLEMS,
  ...ADMIN_PROBLEMS,
  ...VIDEO_PROBLEMS,
  ...SERVICE_PROBLEMS,
} as const satisfies Record<string, ProblemEntry>

export type ProblemCode = keyof typeof PROBLEMS

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code)
}

/**
 * The title derived from a code, equal for all its occurrences as RFC 9457 requires: `job_not_found` is "Job not
 * found".
 */
export function titleOf(code: string): string {
  const words = code.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** The path of a code's type URI, where it is explained. */
export function problemPath(code: string): string {
  return `/errors/${code}`
}
