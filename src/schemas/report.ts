/**
 * What GPU workers report, and what they are answered. A report is repaired and not refused for what does not matter:
 * unknown fields are ignored, wrong ones are taken for missing, numbers out of bounds are brought within them, long texts are cut.
 * What is documented is what a worker should send.
 */
import * as v from 'valibot'
import { cutText, textOf } from '../../actors/export-job/core/text.ts'
import { withoutSecrets } from '../../actors/redact.ts'

/** RunPod's ids are opaque. */
const RunpodJobId = v.fallback(
  v.nullish(v.pipe(v.string(), v.regex(/^[\w-]{1,200}$/, 'This is not an id of a RunPod job.'))),
  null,
)

function cut(most: number) {
  const Text = v.pipe(
    v.string(),
    v.transform((text) => cutText(withoutSecrets(text), most)),
  )
  return v.fallback(v.nullish(Text), null)
}

/** An error in whatever form it was sent: a traceback as a list, an object, or nothing. */
const ErrorText = v.fallback(v.pipe(v.string(), v.minLength(1)), (dataset) => textOf(dataset?.value))

/** What is no number says nothing: stored progress never falls, and the worker is alive all the same. */
function nearestPercent(sent: unknown): number {
  return typeof sent === 'number' && Number.isFinite(sent) ? Math.min(100, Math.max(0, sent)) : 0
}

export const ProgressBody = v.object({
  progress: v.fallback(v.pipe(v.number(), v.minValue(0), v.maxValue(100)), (dataset) =>
    nearestPercent(dataset?.value),
  ),
  stage: cut(64),
  message: cut(500),
  eta_seconds: v.fallback(v.nullish(v.pipe(v.number(), v.minValue(0), v.maxValue(30 * 24 * 3600))), null),
  runpod_job_id: RunpodJobId,
})

/** The key is what a completion is about, so it alone is never guessed. */
export const CompleteBody = v.object({
  output_video_key: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
  runpod_job_id: RunpodJobId,
})

/** A failure that does not say whether to try again is one that may pass. */
export const ErrorBody = v.object({
  error: ErrorText,
  should_retry: v.fallback(v.boolean(), true),
  code: v.fallback(v.nullish(v.string()), null),
  runpod_job_id: RunpodJobId,
})

const Output = v.object({ output_video_key: v.nullish(v.pipe(v.string(), v.minLength(1))) })

/** The plain form of RunPod's callback, for workers that post it themselves. */
export const PlainCallback = v.object({
  job_id: v.string(),
  status: v.picklist(['completed', 'failed']),
  output: v.fallback(v.nullish(Output), null),
  error: v.fallback(v.nullish(v.string()), (dataset) => textOf(dataset?.value)),
})

/** The answer to a report. `cancel`: the worker should stop; nothing more is wanted of it. */
export const ReportAnswer = v.object({ ok: v.literal(true), cancel: v.boolean() })
export type ReportAnswer = v.InferOutput<typeof ReportAnswer>

/** The answer to RunPod. */
export const CallbackAnswer = v.object({ ok: v.literal(true), cancel: v.optional(v.boolean()) })
export type CallbackAnswer = v.InferOutput<typeof CallbackAnswer>
