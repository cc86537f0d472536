/**
 * Visits every state that a job can reach, by every event at every moment that matters. States that differ only in
 * what no decision depends on (exact instants, counts above the small ones) are one; the first job found stands for
 * each.
 */
import type { Event, Step } from '../../actors/export-job/core/events.ts'
import type { Attempt, AttemptRef, Job, JobRequest } from '../../actors/export-job/core/job.ts'
import { type ClockName, clocks, wakeAt } from '../../actors/export-job/core/schedule.ts'
import { accept, transition } from '../../actors/export-job/core/transition.ts'
import { WEBHOOK_EVENTS } from '../../actors/export-job/core/webhook-message.ts'
import {
  aFailure,
  aRequest,
  CANCEL,
  cancelAnswered,
  completed,
  DELETE,
  delivered,
  deliveryFailed,
  dispatchAmbiguous,
  dispatched,
  dispatchRefused,
  extendDeadline,
  FORCE_FAIL,
  failed,
  frozen,
  HOOK,
  lookFailed,
  MINUTE,
  mirrored,
  observed,
  outputAbsent,
  outputSeen,
  pollFailed,
  progressed,
  RECHECK,
  RETRY,
  RETRY_NOW,
  REWRITE_ROW,
  redeliver,
  ref,
  T0,
  WAKE,
} from '../support/node/builders.ts'

export interface Edge {
  readonly before: Job
  readonly event: Event
  readonly at: number
  readonly step: Step
}

interface Place {
  readonly job: Job
  readonly now: number
}

/** Where the walk begins. Attempts, rounds, webhooks and strays multiply each other, so no walk has much of all. */
interface Start {
  readonly request: JobRequest
  readonly rounds: number
  /** Whether states that differ in their strays alone are walked on from, each. */
  readonly strays: boolean
}

const POLICY = {
  queueTimeoutMs: 10 * MINUTE,
  stallTimeoutMs: MINUTE,
  executionTimeoutMs: 5 * MINUTE,
  deadlineMs: 30 * MINUTE,
  retentionMs: 10 * MINUTE,
}

/** Two attempts in each of two rounds. */
export const UNTOLD: Start = {
  request: aRequest({ policy: { ...POLICY, maxAttempts: 2 } }),
  rounds: 2,
  strays: false,
}

/** One attempt, under whose token others run as well. */
export const STRAYED: Start = {
  request: aRequest({ policy: { ...POLICY, maxAttempts: 1 } }),
  rounds: 1,
  strays: true,
}

/** One attempt, whose every event is told. */
export const TOLD: Start = {
  request: aRequest({
    webhook: { ...HOOK, events: WEBHOOK_EVENTS },
    policy: { ...POLICY, maxAttempts: 1 },
  }),
  rounds: 1,
  strays: false,
}

/** Calls `edge` for every edge and `state` for every state; answers how many there were. */
export function walk(
  { request, rounds, strays }: Start,
  edge: (edge: Edge) => void,
  state: (job: Job, now: number) => void,
) {
  const start = { job: frozen(accept(request, T0).job), now: T0 }
  const seen = new Set([keyOf(start, strays)])
  const queue: Place[] = [start]
  let edges = 0
  for (let place = queue.shift(); place; place = queue.shift()) {
    const { job, now } = place
    state(job, now)
    for (const event of eventsFor(job)) {
      for (const at of momentsOf(job, now)) {
        const step = transition(job, event, at)
        frozen(step.job)
        edges++
        edge({ before: job, event, at, step })
        const next = { job: step.job, now: at }
        const key = keyOf(next, strays)
        if (step.job.round > rounds || seen.has(key)) continue
        seen.add(key)
        queue.push(next)
      }
    }
  }
  return { states: seen.size, edges }
}

/** A millisecond later, while nothing is due; and when the next clock rings. */
function momentsOf(job: Job, now: number): number[] {
  const due = wakeAt(job)
  return due === null || due <= now + 1 ? [now + 1] : [now + 1, due]
}

const COMMON: Event[] = [
  WAKE,
  CANCEL,
  RETRY,
  DELETE,
  RETRY_NOW,
  FORCE_FAIL,
  RECHECK,
  REWRITE_ROW,
  extendDeadline(T0 + 40 * MINUTE),
  ...(
    [
      'mirrorFailed',
      'remirror',
      'swept',
      'sweepFailed',
      'archived',
      'archiveFailed',
      'erased',
      'eraseFailed',
    ] as const
  ).map((type) => frozen<Event>({ type })),
]

/** What may be said of one attempt, whether it is the current one, an old one or none at all. */
function eventsOf(of: AttemptRef): Event[] {
  const own = `rp-${of.round}-${of.attempt}`
  const states = ['queued', 'running', 'completed', 'failed', 'cancelled', 'timed_out', 'gone'] as const
  return [
    dispatched(of, own),
    dispatchRefused(of),
    dispatchRefused(of, aFailure({ retryable: false })),
    dispatchAmbiguous(of),
    progressed(50, { ref: of }),
    progressed(60, { ref: of, stage: 'encoding', runpodJobId: own }),
    progressed(70, { ref: of, runpodJobId: 'rp-stranger' }),
    completed({ ref: of, runpodJobId: own }),
    completed({ ref: of, outputKey: 'output/other.mp4' }),
    failed({ ref: of }),
    failed({ ref: of, failure: aFailure({ retryable: false }) }),
    ...states.map((state) => observed(state, { ref: of, runpodJobId: own, source: 'webhook' })),
    observed('failed', { ref: of, runpodJobId: 'rp-stranger' }),
    pollFailed(of),
    ...[own, 'rp-stranger'].flatMap((id) => [
      cancelAnswered('ended', of, id),
      cancelAnswered('missing', of, id),
      cancelAnswered('unconfirmed', of, id),
    ]),
    outputSeen(of),
    outputAbsent(of),
    lookFailed(of),
  ]
}

const EVENTS = new Map<string, Event[]>()

function eventsFor(job: Job): Event[] {
  const latest = job.attempts.at(-1) ?? ref()
  const earlier = job.attempts.at(-2) ?? ref(9)
  const spoken = [latest, earlier].flatMap((of) => {
    const name = `${of.round}-${of.attempt}`
    const known = EVENTS.get(name) ?? eventsOf({ round: of.round, attempt: of.attempt })
    EVENTS.set(name, known)
    return known
  })
  const told = job.request.webhook ? webhooksOf(job) : []
  return [...COMMON, mirrored(job.version - 1), mirrored(job.version), ...told, ...spoken]
}

/** What may come of a message that is owed, or was; and of one that never was. */
function webhooksOf({ outbox }: Job): Event[] {
  const id = (outbox.webhooks[0] ?? outbox.webhooksSettled[0])?.id ?? 'none'
  const gone = { status: 410, gone: true }
  return [delivered(id), deliveryFailed(id), deliveryFailed(id, gone), redeliver(id), redeliver('none')]
}

function keyOf({ job, now }: Place, withStrays: boolean): string {
  const { phase, outbox, breaker } = job
  const last = job.attempts.at(-1)
  const earlier = job.attempts.at(-2)
  return [
    job.round,
    phase.status,
    'step' in phase ? phase.step : '',
    'look' in phase ? `${phase.look}${phase.exhausted}` : '',
    'ambiguous' in phase ? phase.ambiguous : '',
    'misses' in phase ? phase.misses : '',
    'confirmed' in phase ? phase.confirmed : '',
    last ? keyOfAttempt(last) + (last.ttlEndsAt <= now) : '',
    earlier ? keyOfAttempt(earlier) : '',
    withStrays ? (last?.strays ?? []).map(({ cancel }) => keyOfCancel(cancel)).join('') : '',
    outbox.sweep ? `s${outbox.sweep.last}` : '',
    outbox.archive ? 'a' : '',
    outbox.webhooks.length > 0 ? 'w' : '',
    outbox.webhooksSettled.length > 0 ? 'W' : '',
    outbox.webhooksRefused ? '410' : '',
    breaker.tripped,
    clocks(job)
      .filter((clock) => clock.at <= now && !HOUSEKEEPING.has(clock.name))
      .map((clock) => clock.name)
      .join(),
  ].join('|')
}

/** Clocks whose being due changes nothing about what the other events do. */
const HOUSEKEEPING = new Set<ClockName>(['mirror', 'owed_cancel', 'sweep', 'webhook'])

function keyOfCancel(cancel: Attempt['cancel']): string {
  if (cancel === null) return '-'
  return cancel.confirmedAt !== null ? 'c' : cancel.tries > 0 ? 't' : 'o'
}

function keyOfAttempt(attempt: Attempt): string {
  const owed = keyOfCancel(attempt.cancel)
  const life = `${attempt.runningAt !== null ? 'r' : ''}${attempt.endedAt !== null ? 'e' : ''}`
  const known = attempt.runpodJobId !== null ? 'i' : ''
  return `${attempt.round}-${attempt.attempt}${attempt.remote}${known}${life}${owed}`
}
