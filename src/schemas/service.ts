/** What the service says of itself, and how it refuses. */
import * as v from 'valibot'
import type { ProblemJson } from '../../wire/problem.ts'
import type * as wire from '../../wire/service.ts'
import { OpenJson } from './common.ts'
import { describing } from './describing.ts'

const Check = describing<wire.HealthCheck>()(
  v.object({ ok: v.boolean(), ms: v.number(), detail: v.optional(v.string()) }),
)

/** GET /health; `checks` when it was asked to look deeper. */
export const Health = describing<wire.Health>()(
  v.object({
    status: v.picklist(['ok', 'degraded']),
    env: v.picklist(['development', 'staging', 'production']),
    checks: v.optional(v.object({ d1: Check, r2: Check, runpod: Check })),
  }),
)

const JobType = describing<wire.JobTypeInfo>()(
  v.object({ name: v.string(), summary: v.string(), params: OpenJson }),
)

/** GET /api/job-types: `params` is JSON Schema 2020-12 of what a client sends. */
export const JobTypes = v.object({
  types: v.array(JobType),
})

/** RFC 9457. */
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
