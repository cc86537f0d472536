/**
 * What GPU workers report, and what they are answered. Fields that are not known are ignored, and long texts are cut, so that a report is never
 * lost to what does not matter.
 */
import * as v from 'valibot'

/** RunPod's ids are opaque. */
const RunpodJobId = v.nullish(
  v.pipe(v.string(), v.regex(/^[\w-]{1,200}$/, 'This is not an id of a RunPod job.')),
)

function cut(most: number) {
  return v.nullish(
    v.pipe(
      v.string(),
      v.transform((text) => text.slice(0, most)),
    ),
  )
}

export const ProgressBody = v.object({
  progress: v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
  stage: cut(64),
  message: cut(500),
  eta_seconds: v.nullish(v.pipe(v.number(), v.minValue(0), v.maxValue(30 * 24 * 3600))),
  runpod_job_id: RunpodJobId,
})

export const CompleteBody = v.object({
  output_video_key: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
  runpod_job_id: RunpodJobId,
})

export const ErrorBody = v.object({
  error: v.pipe(v.string(), v.minLength(1)),
  should_retry: v.boolean(),
  code: v.nullish(v.string()),
  runpod_job_id: RunpodJobId,
})

/** The plain form of RunPod's callback, for workers that post it themselves. */
export const PlainCallback = v.object({
  job_id: v.string(),
  status: v.picklist(['completed', 'failed']),
  output: v.nullish(v.object({ output_video_key: v.nullish(v.pipe(v.string(), v.minLength(1))) })),
  error: v.nullish(v.string()),
})

/** The answer to a report. `cancel`: the worker should stop; nothing more is wanted of it. */
export const ReportAnswer = v.object({ ok: v.literal(true), cancel: v.boolean() })
export type ReportAnswer = v.InferOutput<typeof ReportAnswer>

/** The answer to RunPod. */
export const CallbackAnswer = v.object({ ok: v.literal(true), cancel: v.optional(v.boolean()) })
export type CallbackAnswer = v.InferOutput<typeof CallbackAnswer>
