/** What the service says of itself, and how it refuses. */
import * as v from 'valibot'
import { OpenJson } from './common.ts'

const Check = v.object({ ok: v.boolean(), ms: v.number(), detail: v.optional(v.string()) })

/** GET /health; `checks` when it was asked to look deeper. */
export const Health = v.object({
  status: v.picklist(['ok', 'degraded']),
  env: v.picklist(['development', 'staging', 'production']),
  checks: v.optional(v.object({ d1: Check, r2: Check, runpod: Check })),
})
export type Health = v.InferOutput<typeof Health>
export type Check = v.InferOutput<typeof Check>

/** GET /api/job-types: `params` is JSON Schema 2020-12 of what a client sends. */
export const JobTypes = v.object({
  types: v.array(v.object({ name: v.string(), summary: v.string(), params: OpenJson })),
})

/** RFC 9457. */
export const Problem = v.object({
  type: v.string(),
  title: v.string(),
  status: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
  detail: v.string(),
  code: v.string(),
  request_id: v.string(),
  errors: v.optional(v.array(v.object({ pointer: v.string(), detail: v.string() }))),
})
export type Problem = v.InferOutput<typeof Problem>
