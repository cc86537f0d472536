/** POST /api/tokens. */
import * as v from 'valibot'
import { LONGEST_LIFETIME_SECONDS, SCOPES } from '../access-token.ts'
import { Instant, JobId, ProjectId } from './common.ts'

const LEAST_TTL_SECONDS = 10
/** Long enough to open a page; a page that stays open asks its own server for the next one. */
export const STANDARD_TTL_SECONDS = 15 * 60

/** Names separated by single spaces, as in OAuth (RFC 6749, 3.3). */
export const ScopeList = v.pipe(
  v.string(),
  v.transform((text) => text.split(' ')),
  v.array(v.picklist(SCOPES, `The scopes are ${SCOPES.join(', ')}, separated by spaces.`)),
  v.transform((named) => SCOPES.filter((scope) => named.includes(scope))),
)

export const TokenBody = v.strictObject({
  scope: ScopeList,
  project_id: v.optional(ProjectId),
  job_id: v.optional(JobId),
  ttl_seconds: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(LEAST_TTL_SECONDS), v.maxValue(LONGEST_LIFETIME_SECONDS)),
    STANDARD_TTL_SECONDS,
  ),
})

export const IssuedToken = v.object({
  token: v.string(),
  expires_at: Instant,
  scope: v.string(),
  project_id: v.nullable(ProjectId),
  job_id: v.nullable(JobId),
})
export type IssuedToken = v.InferOutput<typeof IssuedToken>
