/** The body of POST /api/jobs, but for `params`, which belong to the job's type. */
import * as v from 'valibot'
import type { Policy } from '../../actors/export-job/core/job.ts'
import { POLICY_BOUNDS } from '../../actors/export-job/core/schedule.ts'
import { WEBHOOK_ENDS, WEBHOOK_EVENTS } from '../../actors/export-job/core/webhook-message.ts'
import type { Json } from '../../wire/json.ts'
import { InputKey, isObject, optionalFields, ProjectId } from './common.ts'
import { Tag } from './job-view.ts'

const MOST_METADATA_BYTES = 4096
const MOST_TAGS = 10
const MOST_URL_CHARACTERS = 2048

/** Its values are JSON, but are not looked into. */
export type OpenObject = Record<string, unknown>

/** A JSON object, kept as it is: the body has been through JSON.parse, so nothing else can be inside. */
const AnyObject = v.custom<OpenObject>(isObject, 'This must be a JSON object.')

const Metadata = v.pipe(
  AnyObject,
  v.check(
    (value) => new TextEncoder().encode(JSON.stringify(value)).length <= MOST_METADATA_BYTES,
    `Metadata may be at most ${MOST_METADATA_BYTES} bytes of JSON.`,
  ),
)

/** A time limit in seconds, within the bounds of the core. */
function seconds(name: Exclude<keyof Policy, 'maxAttempts'>) {
  const { least, most, standard } = POLICY_BOUNDS[name]
  const bounded = v.pipe(v.number(), v.minValue(least / 1000), v.maxValue(most / 1000))
  return v.optional(bounded, standard / 1000)
}

const { least, most, standard } = POLICY_BOUNDS.maxAttempts

export const PolicyBody = optionalFields({
  max_attempts: v.optional(v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most)), standard),
  queue_timeout_seconds: seconds('queueTimeoutMs'),
  stall_timeout_seconds: seconds('stallTimeoutMs'),
  execution_timeout_seconds: seconds('executionTimeoutMs'),
  deadline_seconds: seconds('deadlineMs'),
  retention_seconds: seconds('retentionMs'),
})

export const CreateJobBody = v.strictObject({
  project_id: ProjectId,
  type: v.pipe(v.string(), v.minLength(1)),
  input_video_key: InputKey,
  params: AnyObject,
  metadata: v.optional(Metadata, () => ({})),
  tags: v.optional(v.pipe(v.array(Tag), v.maxLength(MOST_TAGS)), () => []),
  policy: v.optional(PolicyBody, {}),
  webhook_url: v.optional(v.pipe(v.string(), v.maxLength(MOST_URL_CHARACTERS))),
  webhook_events: v.optional(v.pipe(v.array(v.picklist(WEBHOOK_EVENTS)), v.minLength(1)), () => [
    ...WEBHOOK_ENDS,
  ]),
})

/** Seconds of the API as the milliseconds of the core. */
export function policyOf(body: v.InferOutput<typeof PolicyBody>): Policy {
  const ms = (value: number) => Math.round(value * 1000)
  return {
    maxAttempts: body.max_attempts,
    queueTimeoutMs: ms(body.queue_timeout_seconds),
    stallTimeoutMs: ms(body.stall_timeout_seconds),
    executionTimeoutMs: ms(body.execution_timeout_seconds),
    deadlineMs: ms(body.deadline_seconds),
    retentionMs: ms(body.retention_seconds),
  }
}

/** The same text for the same JSON, whatever the order of names in objects. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const pairs = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`)
  return `{${pairs.join(',')}}`
}
