/** Schemas of POST /api/tokens. */
import * as v from 'valibot'
import type * as wire from '../../wire/tokens.ts'
import { accepting, describing } from '../http/describing.ts'
import { Instant, ProjectId } from '../http/fields.ts'
import { JobId } from '../jobs/ids.ts'
import { LONGEST_LIFETIME_SECONDS, SCOPES } from './access-token.ts'

const LEAST_TTL_SECONDS = 10
/** Long enough to open a page; a page that stays open gets its next token from its own server. */
export const STANDARD_TTL_SECONDS = 15 * 60

/** Scope names separated by single spaces, as in OAuth (RFC 6749, 3.3). */
export const ScopeList = v.pipe(
  v.string(),
  v.transform((text) => text.split(' ')),
  v.array(v.picklist(SCOPES, `The scopes are ${SCOPES.join(', ')}, separated by spaces.`)),
  v.transform((named) => SCOPES.filter((scope) => named.includes(scope))),
)

export const TokenBody = accepting<wire.TokenRequest>()(
  v.strictObject({
    scope: ScopeList,
    project_id: v.optional(ProjectId),
    job_id: v.optional(JobId),
    ttl_seconds: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(LEAST_TTL_SECONDS), v.maxValue(LONGEST_LIFETIME_SECONDS)),
      STANDARD_TTL_SECONDS,
    ),
  }),
)

export const IssuedToken = describing<wire.IssuedToken>()(
  v.object({
    token: v.string(),
    expires_at: Instant,
    scope: v.string(),
    project_id: v.nullable(ProjectId),
    job_id: v.nullable(JobId),
  }),
)
