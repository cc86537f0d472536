/**
 * `pending`, with an attempt that is due: before it is committed, the settings and then the endpoint's lane determine
 * whether and where it may be sent. The state stays in memory until there is something to show, so that an immediate
 * grant costs no commit; at an endpoint with a limit, a place is owed before its lane is asked.
 */
import { attemptName, nextRef, sameRef } from '../attempts.ts'
import { budgetExceeded, budgetLeftMs } from '../budget.ts'
import { holdsPlace, owePlace, takePlace } from '../debts/places.ts'
import type { Draft } from '../draft.ts'
import { endInError } from '../endings.ts'
import type { AskAnswered } from '../events.ts'
import { iso } from '../iso.ts'
import type { Failure } from '../job.ts'
import { isIn, type PhaseIn } from '../phase.ts'
import { backoffMs, DEFAULT_ENDPOINT, IDLE_MS, MINUTE, SECOND } from '../policy.ts'
import { hasUnansweredCancel } from '../remote.ts'
import { enterDispatching } from './dispatching.ts'
import type { State } from './state.ts'
import { enterVerifying } from './verifying.ts'

type Asking = PhaseIn<'asking'>

/** Pauses after a missing answer of the lane; after the last one, the attempt is sent without a grant. */
const SILENCE_PAUSES_MS: readonly number[] = [5 * SECOND, 10 * SECOND]
/** How long an operator's pause, as last reported by the lane, is respected while the lane does not answer. */
const PAUSE_BINDS_MS = 10 * MINUTE
/**
 * The lane's last answer is stored at this interval, well within PAUSE_BINDS_MS, together with the current position.
 */
const QUEUE_SAVE_MS = 5 * MINUTE

/** @param failure why the last attempt failed */
export function enterAsking(draft: Draft, failure: Failure | null): void {
  const { now } = draft
  const phase = { status: 'pending', step: 'asking', since: now, failure } as const
  ask(draft, {
    ...phase,
    askAt: now,
    tries: 0,
    missing: null,
    silences: 0,
    queue: null,
    hurried: false,
    granted: null,
  })
}

/** Applies an answer of the lane; ignored if it is about another attempt than the next one. */
export function askAnswered(draft: Draft, event: AskAnswered): void {
  const { job, now } = draft
  const { phase } = job
  const { next } = event
  if (!isIn(phase, 'asking') || !sameRef(next, nextRef(job))) return
  switch (event.type) {
    case 'placeGranted': {
      const { endpoint, tellOutcome, isLent } = event
      const granted = { endpoint, tellOutcome, isLent }
      return draft.lease({ phase: { ...phase, granted, queue: null, silences: 0, askAt: now } })
    }
    case 'placeNeeded':
      owePlace(draft, next, event.endpoint)
      return draft.enter({ ...phase, askAt: now })
    case 'placeWaiting':
      return waits(draft, phase, event)
    case 'placeStale':
      // With a new version, the next ask is newer than the release.
      return draft.enter({ ...phase, askAt: now + SECOND })
    case 'askDue':
      return phase.granted ? undefined : draft.lease({ phase: { ...phase, askAt: now, hurried: true } })
    case 'laneSilent':
      return laneSilent(draft, phase, event)
    case 'notConfigured': {
      const { missing } = event
      const tries = phase.tries + 1
      draft.enter({ ...phase, missing, tries, queue: null, askAt: now + pauseMs(draft, tries) })
      if (missing !== phase.missing)
        draft.note({ type: 'dispatch_held', ref: null, data: { detail: missing } })
    }
  }
}

/** The first such answer is logged, except during refusals; later positions are in memory, and stored seldom. */
function waits(
  draft: Draft,
  phase: Asking,
  { next, endpoint, queue, askAgainAt }: Extract<AskAnswered, { type: 'placeWaiting' }>,
): void {
  const { job, now } = draft
  if (phase.granted) return
  if (!holdsPlace(job, next)) owePlace(draft, next, endpoint)
  const isNew = phase.queue === null
  const askAt = phase.hurried ? now : Math.max(now + SECOND, askAgainAt)
  const asked = { ...phase, queue, silences: 0, tries: 0, missing: null, askAt }
  const isSame = phase.queue?.paused === queue.paused && phase.missing === null
  if (isSame && now - job.savedAt < QUEUE_SAVE_MS) draft.lease({ phase: asked })
  else draft.keep({ phase: asked })
  if (isNew && !job.refusals)
    draft.note({ type: 'place_awaited', ref: null, data: { endpoint, detail: queue.reason } })
}

/** An unavailable lane delays attempts only briefly, unless its last answer was that an operator has paused it. */
function laneSilent(
  draft: Draft,
  phase: Asking,
  { next, endpoint, isLent, overloaded }: Extract<AskAnswered, { type: 'laneSilent' }>,
): void {
  const { now } = draft
  if (phase.granted) return
  const silences = phase.silences + (overloaded ? 0 : 1)
  const pauseAgain = SILENCE_PAUSES_MS[silences - 1]
  const isPaused = phase.queue?.paused === true && now - phase.queue.asOf < PAUSE_BINDS_MS
  if (pauseAgain !== undefined || isPaused || overloaded) {
    const tries = phase.tries + 1
    const pause = pauseAgain ?? pauseMs(draft, tries)
    const asked = { phase: { ...phase, silences, tries, askAt: now + pause } }
    // Otherwise the count would begin anew with every pause that the actor spends outside memory.
    return pause < IDLE_MS ? draft.lease(asked) : draft.keep(asked)
  }
  draft.note({ type: 'lane_bypassed', ref: null, data: { endpoint: endpoint.name } })
  if (isLent) takePlace(draft, next)
  draft.enter({ ...phase, silences: 0, granted: { endpoint, tellOutcome: false, isLent }, askAt: now })
}

function ask(draft: Draft, phase: Asking): void {
  const { request } = draft.job
  const next = nextRef(draft.job)
  const askAt = draft.now + pauseMs(draft, phase.tries)
  draft.lease({ phase: { ...phase, askAt, hurried: false } })
  const endpoint = request.policy.endpoint ?? DEFAULT_ENDPOINT
  draft.ask({ type: 'ask', next, endpoint, isOwed: holdsPlace(draft.job, next) })
}

function pauseMs({ job }: Draft, tries: number): number {
  return backoffMs(`${job.request.id}:ask`, tries)
}

export const asking: State<Asking> = {
  on(draft, _phase, signal, attempt) {
    if (signal.type === 'done') enterVerifying(draft, attempt, signal)
  },

  due(draft, phase) {
    const { job, now } = draft
    if (now < phase.askAt || hasUnansweredCancel(job)) return
    // RunPod's figures about the last attempt may have come after its failure.
    if (budgetLeftMs(job, now) === 0)
      return endInError(draft, budgetExceeded(job, phase.failure ?? undefined))
    if (phase.granted) enterDispatching(draft, phase.granted)
    else ask(draft, phase)
  },

  clocks: ({ askAt: at }) => [{ name: 'ask', at, what: 'ask whether the next attempt can be sent' }],

  words(job, { failure, missing, since, queue }) {
    const before = job.refusals ? '' : `${attemptName(job)} failed: `
    const failed = failure ? `${before}${failure.message} ` : ''
    if (queue) return `${failed}${queue.reason}`
    if (missing) return `${failed}The next attempt waits since ${iso(since)}: ${missing}`
    return `${failed}The next attempt is about to be sent to RunPod.`
  },
}
