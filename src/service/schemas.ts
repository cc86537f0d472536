/** Schemas of the answers about the service, and of problems. */
import * as v from 'valibot'
import type { ProblemJson } from '../../wire/problem.ts'
import type * as wire from '../../wire/service.ts'
import { describing } from '../http/describing.ts'

const Check = describing<wire.HealthCheck>()(
  v.object({ ok: v.boolean(), ms: v.number(), detail: v.optional(v.string()) }),
)

/** GET /health; `checks` is present after a deep check. */
export const Health = describing<wire.Health>()(
  v.object({
    status: v.picklist(['ok', 'degraded']),
    env: v.picklist(['development', 'staging', 'production']),
    release: v.string(),
    version: v.nullable(v.string()),
    checks: v.optional(v.object({ d1: Check, r2: Check, runpod: Check })),
  }),
)

/** Problem details (RFC 9457). */
export const Problem = describing<ProblemJson>()(
  v.object({
    type: v.string(),
    title: v.string(),
    status: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
    detail: v.string(),
    code: v.string(),
    request_id: v.string(),
    errors: v.optional(v.array(v.object({ pointer: v.string(), detail: v.string() }))),
  }),
)
