/**
 * Parses reports of GPU workers, sent by POST or over the line. Faults in minor fields are repaired rather than
 * refused: unknown fields are ignored, invalid ones are treated as missing, numbers are clamped, long texts are cut.
 * The documentation describes only the exact form.
 */
import * as v from 'valibot'
import { withoutSecrets } from '../shared/redact.ts'
import type { Report } from './core/events.ts'
import type { AttemptRef, ReportKind } from './core/job.ts'
import { cutText, textOf } from './core/text.ts'
import { codeOf, sentenceOf } from './core/verdicts.ts'

/** RunPod's ids are opaque. */
export const RunpodJobId = v.fallback(
  v.nullish(v.pipe(v.string(), v.regex(/^[\w-]{1,200}$/, 'This is not an id of a RunPod job.'))),
  null,
)

/** Increases by one with each report of an instance, on the line and by POST alike. */
export const ReportNumber = v.fallback(v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(1))), null)

/** Random, and different for each process and attempt. */
export const Instance = v.fallback(
  v.nullish(v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/, 'This is not the id of an instance.'))),
  null,
)

const numbered = { n: ReportNumber, instance: Instance }

function cut(most: number) {
  const Text = v.pipe(
    v.string(),
    v.transform((text) => cutText(withoutSecrets(text), most)),
  )
  return v.fallback(v.nullish(Text), null)
}

/** An error of any JSON type: a traceback as a list, an object, or nothing. */
const ErrorText = v.fallback(v.pipe(v.string(), v.minLength(1)), (dataset) => textOf(dataset?.value))

/** 0 for anything but a number: stored progress never decreases, and the report still shows that the worker runs. */
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
  ...numbered,
})

/** The key identifies the completed output, so it alone is required. */
export const CompleteBody = v.object({
  output_video_key: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
  poster: v.fallback(v.nullish(v.boolean()), null),
  message: cut(500),
  runpod_job_id: RunpodJobId,
  ...numbered,
})

/** A failure is retryable by default. */
export const ErrorBody = v.object({
  error: ErrorText,
  should_retry: v.fallback(v.boolean(), true),
  code: v.fallback(v.nullish(v.string()), null),
  runpod_job_id: RunpodJobId,
  ...numbered,
})

export const REPORT_BODIES = { progress: ProgressBody, complete: CompleteBody, error: ErrorBody } as const

type Body<K extends ReportKind> = v.InferOutput<(typeof REPORT_BODIES)[K]>

/** Converts a parsed body to the core's report. */
export function progressReport(body: Body<'progress'>, ref: AttemptRef): Report {
  const { progress, stage, message, eta_seconds: eta } = body
  return {
    type: 'progressed',
    ref,
    percent: progress,
    stage: stage ?? null,
    message: message ?? null,
    etaMs: eta == null ? null : eta * 1000,
    ...aboutReport(body),
  }
}

export function completeReport(body: Body<'complete'>, ref: AttemptRef): Report {
  const { output_video_key: outputKey, message } = body
  return { type: 'completed', ref, outputKey, message: message ?? null, ...aboutReport(body) }
}

export function errorReport(body: Body<'error'>, ref: AttemptRef): Report {
  const { error, should_retry: retryable, code } = body
  const message = sentenceOf(withoutSecrets(error))
  const failure = { code: codeOf(code) ?? 'worker_error', message, retryable }
  return { type: 'failed', ref, failure, ...aboutReport(body) }
}

function aboutReport({ runpod_job_id: id, n, instance }: Body<ReportKind>) {
  return { runpodJobId: id ?? null, n: n ?? null, instance: instance ?? null }
}
