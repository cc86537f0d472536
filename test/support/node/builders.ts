/** Builds jobs, requests and events for tests: with defaults, any part overridden, frozen so that a mutation throws. */
import type { Event, Observation, Report } from '../../../actors/export-job/core/events.ts'
import type {
  AttemptRef,
  Endpoint,
  EndpointHealth,
  Failure,
  Job,
  JobRequest,
  Policy,
  RefusalCause,
  StoredObject,
  Usage,
} from '../../../actors/export-job/core/job.ts'
import { POLICY_BOUNDS } from '../../../actors/export-job/core/policy.ts'
import { accept } from '../../../actors/export-job/core/transition.ts'

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** The start of every story, by default. */
export const T0 = Date.UTC(2026, 0, 1, 10)

export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) frozen(part)
  }
  return value
}

export function aPolicy(overrides: Partial<Policy> = {}): Policy {
  return {
    maxAttempts: POLICY_BOUNDS.maxAttempts.standard,
    queueTimeoutMs: POLICY_BOUNDS.queueTimeoutMs.standard,
    stallTimeoutMs: POLICY_BOUNDS.stallTimeoutMs.standard,
    executionTimeoutMs: POLICY_BOUNDS.executionTimeoutMs.standard,
    deadlineMs: POLICY_BOUNDS.deadlineMs.standard,
    retentionMs: POLICY_BOUNDS.retentionMs.standard,
    ...overrides,
  }
}

export interface RequestOverrides extends Partial<Omit<JobRequest, 'policy'>> {
  policy?: Partial<Policy>
}

export function aRequest(overrides: RequestOverrides = {}): JobRequest {
  const { policy, ...others } = overrides
  return {
    id: 'job-1',
    projectId: 1,
    type: 'overlay',
    params: {},
    metadata: {},
    tags: [],
    inputVideoKey: 'input/1/clip.mp4',
    assets: [],
    output: { extension: 'mp4', contentType: 'video/mp4' },
    webhook: null,
    requestHash: 'hash',
    createdAt: T0,
    devOrigin: null,
    ...others,
    policy: aPolicy(policy),
  }
}

/** A job just after it was accepted; `overrides` replace parts of it. */
export function aJob(overrides: Partial<Omit<Job, 'request'>> & { request?: RequestOverrides } = {}): Job {
  const { request, ...others } = overrides
  return frozen({ ...accept(aRequest(request), T0).job, ...others })
}

export function ref(attempt = 1, round = 1): AttemptRef {
  return { round, attempt }
}

export function aFailure(overrides: Partial<Failure> = {}): Failure {
  return { code: 'worker_error', message: 'It broke.', retryable: true, ...overrides }
}

export function anObject(of: AttemptRef = ref()): StoredObject {
  return { key: outputKey(of), size: 1_234, etag: 'etag' }
}

export function outputKey(of: AttemptRef = ref(), id = 'job-1'): string {
  return `output/${id}/${of.round}-${of.attempt}.mp4`
}

export function someHealth(overrides: Partial<EndpointHealth> = {}): EndpointHealth {
  return { seenAt: T0, idle: 0, running: 0, throttled: 0, initializing: 0, inQueue: 0, ...overrides }
}

export function someUsage(overrides: Partial<Usage> = {}): Usage {
  return { delayMs: 2_000, executionMs: 30_000, workerId: 'worker-1', ...overrides }
}

// Events. Those of an attempt refer to the first attempt of the first round by default.

export const WAKE = frozen<Event>({ type: 'wake' })
export const CANCEL = frozen<Event>({ type: 'cancel', by: 'tester' })
export const RETRY = frozen<Event>({ type: 'retry', by: 'tester' })
export const DELETE = frozen<Event>({ type: 'delete', by: 'tester' })

export const OPERATOR = { by: 'operator', why: 'It hangs.' }
export const RETRY_NOW = frozen<Event>({ type: 'retryNow', ...OPERATOR })
export const FORCE_FAIL = frozen<Event>({ type: 'forceFail', ...OPERATOR })
export const giveUpAttempt = (of: AttemptRef) =>
  frozen<Event>({ type: 'giveUpAttempt', ref: { round: of.round, attempt: of.attempt }, ...OPERATOR })
export const RECHECK = frozen<Event>({ type: 'recheck', ...OPERATOR })
export const REWRITE_ROW = frozen<Event>({ type: 'rewriteRow', ...OPERATOR })

export function extendDeadline(deadlineAt: number): Event {
  return frozen({ type: 'extendDeadline', deadlineAt, ...OPERATOR })
}

export const RUNPOD_ID = 'rp-1-u1'

export function progressed(
  percent: number,
  overrides: Partial<Extract<Report, { type: 'progressed' }>> = {},
): Event {
  const rest = { stage: null, message: null, etaMs: null, runpodJobId: null }
  return frozen({ type: 'progressed', ref: ref(), percent, ...rest, ...overrides })
}

export function completed(overrides: Partial<Extract<Report, { type: 'completed' }>> = {}): Event {
  return frozen({ type: 'completed', ref: ref(), outputKey: null, runpodJobId: null, ...overrides })
}

export function failed(overrides: Partial<Extract<Report, { type: 'failed' }>> = {}): Event {
  return frozen({ type: 'failed', ref: ref(), failure: aFailure(), runpodJobId: null, ...overrides })
}

export function lineSeen(overrides: Partial<Extract<Event, { type: 'lineSeen' }>> & { at: number }): Event {
  const last = { percent: 0, message: null, etaMs: null, reportedAt: overrides.at, n: null, instance: null }
  return frozen({ type: 'lineSeen', ref: ref(), ...last, ...overrides })
}

export function lineLost(of: AttemptRef = ref()): Event {
  return frozen({ type: 'lineLost', ref: of })
}

/** The default endpoint of attempts. */
export const ENDPOINT: Endpoint = frozen({
  name: 'default',
  url: 'https://runpod.test/v2/a',
  pricePerSecond: null,
})

export function placeGranted(next: AttemptRef = ref(), endpoint = ENDPOINT, isLent = false): Event {
  return frozen({ type: 'placeGranted', next, endpoint, isLent, tellOutcome: false })
}

export function placeNeeded(next: AttemptRef = ref()): Event {
  return frozen({ type: 'placeNeeded', next, endpoint: ENDPOINT.name })
}

export function placeWaiting(next: AttemptRef = ref(), askAgainAt = T0 + 15 * MINUTE, paused = false): Event {
  const reason = paused
    ? 'Paused by ann: repairs. 4 jobs wait.'
    : 'Waiting for a place: 3 exports are ahead, 1 of them of this project.'
  const queue = { ahead: 3, aheadOfProject: 1, asOf: T0, paused, reason }
  return frozen({ type: 'placeWaiting', next, endpoint: ENDPOINT.name, queue, askAgainAt })
}

export function placeStale(next: AttemptRef = ref()): Event {
  return frozen({ type: 'placeStale', next })
}

export function laneSilent(next: AttemptRef = ref(), { isLent = true, overloaded = false } = {}): Event {
  return frozen({ type: 'laneSilent', next, endpoint: ENDPOINT, isLent, overloaded })
}

/** The lane has reserved a place for it. */
export function askDue(next: AttemptRef = ref()): Event {
  return frozen({ type: 'askDue', next })
}

/** The lane has acknowledged the message. */
export function laneTold(what: 'release' | 'took' = 'release', next: AttemptRef = ref()): Event {
  return frozen({ type: 'debtPaid', debt: 'places', next, what })
}

export function laneNotTold(next: AttemptRef = ref()): Event {
  return frozen({ type: 'debtFailed', debt: 'places', next })
}

export function dispatchWeighed(counts: boolean, of: AttemptRef = ref()): Event {
  return frozen({ type: 'dispatchWeighed', ref: of, counts })
}

export function notConfigured(
  next: AttemptRef = ref(),
  missing = 'RUNPOD_API_KEY must be set to dispatch.',
): Event {
  return frozen({ type: 'notConfigured', next, missing })
}

export function dispatched(of: AttemptRef = ref(), runpodJobId = RUNPOD_ID): Event {
  return frozen({ type: 'dispatched', ref: of, runpodJobId })
}

export function dispatchRefused(
  of: AttemptRef = ref(),
  failure: Failure = aFailure({ code: 'runpod_busy', message: 'RunPod answered 429.' }),
  retryAfterMs: number | null = null,
  cause: RefusalCause = failure.retryable ? 'runpod' : 'job',
): Event {
  return frozen({ type: 'dispatchRefused', ref: of, failure, cause, retryAfterMs })
}

export function dispatchAmbiguous(of: AttemptRef = ref()): Event {
  return frozen({ type: 'dispatchAmbiguous', ref: of, detail: 'timeout' })
}

export function observed(
  state: Observation['state'],
  overrides: Partial<Extract<Event, { type: 'observed' }>> & { error?: string; usage?: Usage } = {},
): Event {
  const { error = null, usage = null, ...others } = overrides
  const observation = { state, error, usage }
  const rest = { source: 'poll', runpodJobId: null, health: null } as const
  return frozen({ type: 'observed', ref: ref(), observation, ...rest, ...others })
}

export function pollFailed(of: AttemptRef = ref()): Event {
  return frozen({ type: 'pollFailed', ref: of })
}

export function cancelAnswered(
  kind: 'ended' | 'missing' | 'unconfirmed',
  of: AttemptRef = ref(),
  runpodJobId = `rp-${of.attempt}-u1`,
): Event {
  const about = { debt: 'cancels', ref: of, runpodJobId } as const
  if (kind === 'unconfirmed') return frozen({ type: 'debtFailed', ...about })
  const answer = kind === 'ended' ? ({ kind, usage: null } as const) : { kind }
  return frozen({ type: 'debtPaid', ...about, answer })
}

export function outputSeen(of: AttemptRef = ref()): Event {
  return frozen({ type: 'outputSeen', ref: of, object: anObject(of) })
}

export function outputAbsent(of: AttemptRef = ref()): Event {
  return frozen({ type: 'outputAbsent', ref: of })
}

export function lookFailed(of: AttemptRef = ref()): Event {
  return frozen({ type: 'lookFailed', ref: of })
}

export function mirrored(version: number): Event {
  return frozen({ type: 'debtPaid', debt: 'mirror', version })
}

// Webhooks

export const HOOK = frozen({ url: 'https://hooks.example.com/exports', events: ['complete'] })

export function delivered(id: string, status = 200): Event {
  return frozen({ type: 'debtPaid', debt: 'webhooks', id, status, latencyMs: 40 })
}

export function deliveryFailed(
  id: string,
  overrides: Partial<Extract<Event, { type: 'debtFailed'; debt: 'webhooks' }>> = {},
): Event {
  const standard = {
    status: 500,
    latencyMs: 40,
    detail: 'It answered 500.',
    gone: false,
    retryAfterMs: null,
  }
  return frozen({ type: 'debtFailed', debt: 'webhooks', id, ...standard, ...overrides })
}

export function redeliver(id: string): Event {
  return frozen({ type: 'redeliver', id, by: 'tester' })
}
