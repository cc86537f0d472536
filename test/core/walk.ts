/**
 * Visits every state that a job can reach, by every event at every relevant moment. States that differ only in data on
 * which no decision depends (exact instants, larger counts) are one; the first job found represents each.
 */
import { nextRef, refOf, sameRef } from '../../actors/export-job/core/attempts.ts'
import type { Event, Step } from '../../actors/export-job/core/events.ts'
import type { Attempt, AttemptRef, Job, JobRequest } from '../../actors/export-job/core/job.ts'
import type { PhaseIn } from '../../actors/export-job/core/phase.ts'
import { clocks, wakeAt } from '../../actors/export-job/core/schedule.ts'
import { WEBHOOK_EVENTS } from '../../actors/export-job/core/shown/webhook-message.ts'
import { accept, transition } from '../../actors/export-job/core/transition.ts'
import {
  aFailure,
  aRequest,
  askDue,
  CANCEL,
  cancelAnswered,
  completed,
  DELETE,
  delivered,
  deliveryFailed,
  dispatchAmbiguous,
  dispatched,
  dispatchRefused,
  dispatchWeighed,
  ENDPOINT,
  extendDeadline,
  FORCE_FAIL,
  failed,
  frozen,
  giveUpAttempt,
  HOOK,
  laneNotTold,
  laneSilent,
  laneTold,
  lineLost,
  lineSeen,
  lookFailed,
  MINUTE,
  mirrored,
  notConfigured,
  observed,
  outputAbsent,
  outputSeen,
  placeGranted,
  placeNeeded,
  placeStale,
  placeWaiting,
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

/**
 * The start of a walk. Attempts, rounds, webhooks and strays multiply each other, so each walk is limited in most of
 * them.
 */
interface Start {
  readonly request: JobRequest
  readonly rounds: number
  /** Whether states that differ only in their strays are visited separately. */
  readonly strays: boolean
  /** Whether dispatches are refused for causes outside the job. */
  readonly refusals: boolean
  /** Whether its worker has a line, and numbers its reports. */
  readonly lines: boolean
  /** Whether the endpoint has a limit, with every answer of its lane. */
  readonly lanes: boolean
}

const POLICY = {
  queueTimeoutMs: 10 * MINUTE,
  stallTimeoutMs: MINUTE,
  executionTimeoutMs: 5 * MINUTE,
  deadlineMs: 30 * MINUTE,
  retentionMs: 10 * MINUTE,
}

/** Two attempts in each of two rounds. */
const UNTOLD: Start = {
  request: aRequest({ policy: { ...POLICY, maxAttempts: 2 } }),
  rounds: 2,
  strays: false,
  refusals: false,
  lines: false,
  lanes: false,
}

/** One attempt in each of two rounds. */
const SHORT: Start = { ...UNTOLD, request: aRequest({ policy: { ...POLICY, maxAttempts: 1 } }) }

/** One attempt, with other runs under its token. */
const STRAYED: Start = { ...SHORT, rounds: 1, strays: true }

/** One attempt, with webhooks for all events. */
const TOLD: Start = {
  ...SHORT,
  request: aRequest({
    webhook: { ...HOOK, events: WEBHOOK_EVENTS },
    policy: { ...POLICY, maxAttempts: 1 },
  }),
  rounds: 1,
}

/** One attempt, whose worker reports over a line. */
const LINED: Start = { ...SHORT, rounds: 1, lines: true }

/** One attempt, which needs a place. */
const LANED: Start = { ...SHORT, rounds: 1, lanes: true }

/** Every state. It takes a minute, and is what `npm run test:states` visits. */
export const WHOLE = {
  untold: UNTOLD,
  told: { ...TOLD, refusals: true },
  strayed: STRAYED,
  lined: LINED,
  laned: LANED,
}

/** Each kind of state, and each arrow; but no combinations of largely unrelated features. */
export const PARTS = {
  attempts: { ...UNTOLD, rounds: 1 },
  rounds: SHORT,
  told: TOLD,
  refused: { ...SHORT, rounds: 1, refusals: true },
  strayed: STRAYED,
  lined: LINED,
  laned: LANED,
}

/** The first states of a part: with those of the others they have every arrow, and more is for the whole walk. */
export const STATES_OF_A_PART = 1_700

/** Calls `edge` for every edge and `state` for every state, of the first `most`; returns their numbers. */
export function walk(
  { request, rounds, strays, refusals, lines, lanes }: Start,
  edge: (edge: Edge) => void,
  state: (job: Job, now: number) => void,
  most = Number.POSITIVE_INFINITY,
) {
  const start = { job: frozen(accept(request, T0).job), now: T0 }
  const seen = new Set([keyOf(start, strays)])
  const queue: Place[] = [start]
  let edges = 0
  for (let place = queue.shift(); place; place = queue.shift()) {
    const { job, now } = place
    state(job, now)
    /** Moments at which some event left the job unchanged: the next such event leads to the same state. */
    const unmoved = new Set<number>()
    const more = [...(lines ? linesOf(job, now) : []), ...(lanes ? lanesOf(job) : [])]
    for (const event of [...eventsFor(job), ...more]) {
      if (!refusals && isRefusal(event)) continue
      for (const at of momentsOf(job, now)) {
        const step = transition(job, event, at)
        frozen(step.job)
        edges++
        edge({ before: job, event, at, step })
        if (step.job === job && unmoved.has(at)) continue
        if (step.job === job) unmoved.add(at)
        const next = { job: step.job, now: at }
        const key = keyOf(next, strays)
        if (step.job.round > rounds || seen.size >= most || seen.has(key)) continue
        seen.add(key)
        queue.push(next)
      }
    }
  }
  return { states: seen.size, edges }
}

function isRefusal(event: Event): boolean {
  if (event.type === 'dispatchWeighed') return !event.counts
  return event.type === 'dispatchRefused' && event.cause !== 'job'
}

/** A millisecond later, while nothing is due; and when the next clock is due. */
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
  frozen<Event>({ type: 'debtFailed', debt: 'mirror' }),
  frozen<Event>({ type: 'rowOverdue' }),
  ...(['staleFiles', 'archive', 'erase'] as const).flatMap((debt) => [
    frozen<Event>({ type: 'debtPaid', debt }),
    frozen<Event>({ type: 'debtFailed', debt }),
  ]),
]

/** All facts about one attempt, whether it is the current one, an old one or unknown. */
function eventsOf(of: AttemptRef): Event[] {
  const own = `rp-${of.round}-${of.attempt}`
  const states = ['queued', 'running', 'completed', 'failed', 'cancelled', 'timed_out', 'gone'] as const
  return [
    dispatched(of, own),
    dispatchRefused(of),
    dispatchRefused(of, aFailure({ retryable: false })),
    dispatchAmbiguous(of),
    dispatchWeighed(true, of),
    dispatchWeighed(false, of),
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
    giveUpAttempt(of),
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
  const next = nextRef(job)
  const answered = [placeGranted(next), notConfigured(next), placeGranted(ref(9, job.round))]
  return [...COMMON, ...answered, mirrored(job.version - 1), mirrored(job.version), ...told, ...spoken]
}

/** All messages of the latest attempt's worker on a line, in order or not, and the events of the line itself. */
function linesOf(job: Job, now: number): Event[] {
  const { round, attempt } = job.attempts.at(-1) ?? ref()
  const of = { round, attempt }
  const own = { ref: of, runpodJobId: `rp-${round}-${attempt}`, instance: 'a', byLine: true } as const
  return [
    progressed(0, own),
    progressed(70, { ...own, n: 1 }),
    progressed(75, { ...own, n: 2 }),
    progressed(75, { ref: of, n: 1 }),
    progressed(80, { ...own, n: 1, instance: 'b' }),
    completed({ ...own, n: 3 }),
    completed({ ref: of, n: 1 }),
    failed({ ...own, n: 3 }),
    lineLost(of),
    lineSeen({ ref: of, at: now, percent: 72, n: 2, instance: 'a' }),
  ]
}

/** All answers of the lane about the next attempt, and acknowledgements about it and the last. */
function lanesOf(job: Job): Event[] {
  const next = nextRef(job)
  const last = job.attempts.at(-1)
  const told = [next, ...(last ? [refOf(last)] : [])].flatMap((of) => [
    laneTold('release', of),
    laneTold('took', of),
    laneNotTold(of),
  ])
  return [
    placeNeeded(next),
    placeGranted(next, ENDPOINT, true),
    placeWaiting(next),
    placeWaiting(next, T0, true),
    placeStale(next),
    laneSilent(next),
    laneSilent(next, { overloaded: true }),
    askDue(next),
    ...told,
  ]
}

/** All answers for a message that is owed, or was; and for one that never was. */
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
    'granted' in phase ? keyOfAsking(phase, now) : '',
    [last, nextRef(job)].map((of) => keyOfPlace(job, of)).join(''),
    'ambiguous' in phase ? phase.ambiguous : '',
    'line' in phase && phase.line ? `l${phase.line.lostAt !== null}${phase.line.asks}` : '',
    last?.said ? `${last.said.n}${last.said.instance}` : '',
    'misses' in phase ? phase.misses : '',
    'confirmed' in phase ? phase.confirmed : '',
    last ? keyOfAttempt(job, last) + (last.ttlEndsAt <= now) : '',
    earlier ? keyOfAttempt(job, earlier) : '',
    job.refusals ? `r${Math.min(2, job.refusals.times)}` : '',
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

/** Clocks that do not change the effect of other events when they are due. */
const HOUSEKEEPING = new Set(['mirror', 'owed_cancel', 'place', 'sweep', 'webhook'])

/** Missing answers beyond the last one that is waited for are equivalent. */
function keyOfAsking({ granted, silences, queue, hurried }: PhaseIn<'asking'>, now: number): string {
  const binds = queue?.paused && now - queue.asOf < 10 * MINUTE
  const grant = granted === null ? '' : `g${granted.isLent}`
  return `${grant}${Math.min(3, silences)}${queue ? 'q' : ''}${binds ? 'p' : ''}${hurried ? 'h' : ''}`
}

/** Unacknowledged messages about older places are irrelevant. */
function keyOfPlace({ outbox }: Job, of: AttemptRef | undefined): string {
  const place = of && outbox.places?.find(({ next }) => sameRef(next, of))
  return place ? (place.tell?.what ?? 'held') : '-'
}

function keyOfCancel(cancel: Attempt['cancel']): string {
  if (cancel === null) return '-'
  return cancel.confirmedAt !== null ? 'c' : cancel.tries > 0 ? 't' : 'o'
}

/** Attempts that do not count are not distinguished by their numbers, which are unlimited. */
function keyOfAttempt({ attempts }: Job, attempt: Attempt): string {
  const before = attempts.filter((each) => each.round === attempt.round && each.attempt <= attempt.attempt)
  const counted = before.filter(({ uncounted }) => !uncounted).length
  const owed = keyOfCancel(attempt.cancel)
  const life = `${attempt.runningAt !== null ? 'r' : ''}${attempt.endedAt !== null ? 'e' : ''}`
  const known = attempt.runpodJobId !== null ? 'i' : ''
  return `${attempt.round}-${counted}${attempt.uncounted ? 'u' : ''}${attempt.remote}${known}${life}${owed}`
}
