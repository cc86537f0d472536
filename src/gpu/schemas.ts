/**
 * Schemas of the answers to GPU workers, and of the plain form of RunPod's callback. Those of reports are in the
 * actors' folder.
 */
import * as v from 'valibot'
import { textOf } from '../../actors/export-job/core/text.ts'

const Output = v.object({ output_video_key: v.nullish(v.pipe(v.string(), v.minLength(1))) })

/** The plain form of RunPod's callback, for workers that post it themselves. */
export const PlainCallback = v.object({
  job_id: v.string(),
  status: v.picklist(['completed', 'failed']),
  output: v.fallback(v.nullish(Output), null),
  error: v.fallback(v.nullish(v.string()), (dataset) => textOf(dataset?.value)),
})

/** The answer to a report. `cancel`: the worker must stop; its work is not needed any more. */
export const ReportAnswer = v.object({ ok: v.literal(true), cancel: v.boolean() })
export type ReportAnswer = v.InferOutput<typeof ReportAnswer>

/** The answer to RunPod. */
export const CallbackAnswer = v.object({ ok: v.literal(true), cancel: v.optional(v.boolean()) })
export type CallbackAnswer = v.InferOutput<typeof CallbackAnswer>
