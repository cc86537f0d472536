/** The timeline of a job: a lane for each attempt, and marks for what happened on it. Pure. */
import type { JobEvent } from '../../../../client/index.ts'
import type { InspectedAttempt } from '../../../../wire/admin.ts'
import type { DoneBy } from '../../../../wire/events.ts'
import { kindOf } from '../../../../wire/log-types.ts'

export type MarkKind = 'report' | 'callback' | 'alarm' | 'webhook' | 'operator'

export interface Mark {
  seq: number
  type: string
  kind: MarkKind
  at: number
}

export interface Bar {
  kind: 'sent' | 'queue' | 'run'
  from: number
  to: number
}

export interface Lane {
  name: string
  outcome: InspectedAttempt['outcome'] | 'job'
  bars: Bar[]
  /** What is said at its end. */
  end: string
  marks: Mark[]
}

export interface Timeline {
  from: number
  to: number
  lanes: Lane[]
}

/** More marks than a lane can show apart are thinned to one of each kind at each of so many places. */
const PLACES = 200

/** By what an event came about: a worker's report, RunPod's webhook, our own alarm, our webhook, or a person. */
export function markKind({ type, data }: JobEvent): MarkKind {
  const source = 'source' in data ? data.source : undefined
  if (source !== undefined) return MARKS_BY_SOURCE[source]
  return MARKS[kindOf(type).by]
}

const MARKS = { operator: 'operator', webhook: 'webhook', worker: 'report', service: 'alarm' } as const
/** Where a line says itself whose word it is. */
const MARKS_BY_SOURCE: Record<DoneBy, MarkKind> = {
  report: 'report',
  webhook: 'callback',
  poll: 'alarm',
  look: 'alarm',
}

export function timelineOf(
  attempts: readonly InspectedAttempt[],
  events: readonly JobEvent[],
  span: { createdAt: string; finishedAt: string | null },
  now: number,
): Timeline {
  const from = Date.parse(span.createdAt)
  const ends = attempts.flatMap(({ ended_at, remote_ended_at }) => [at(ended_at), at(remote_ended_at)])
  const finished = at(span.finishedAt)
  // Something may still happen to a job that has ended: a late report, a webhook, a removal.
  const newest = at(events.at(-1)?.at ?? null)
  const last = Math.max(from, finished ?? now, newest ?? from, ...ends.filter((each) => each !== null))
  const to = Math.max(last, from + 1_000)
  const several = new Set(attempts.map(({ round }) => round)).size > 1
  const lanes = attempts.map((attempt): Lane => {
    const { round, attempt: number } = attempt
    const own = events.filter((event) => event.round === round && event.attempt === number)
    return {
      name: several ? `Attempt ${round}-${number}` : `Attempt ${number}`,
      outcome: attempt.outcome,
      bars: barsOf(attempt, now),
      end: endOf(attempt),
      marks: thinned(own, from, to),
    }
  })
  const others = events.filter((event) => event.attempt === null)
  lanes.unshift({ name: 'Job', outcome: 'job', bars: [], end: '', marks: thinned(others, from, to) })
  return { from, to, lanes }
}

function barsOf(attempt: InspectedAttempt, now: number): Bar[] {
  const sent = Date.parse(attempt.dispatched_at)
  const queued = at(attempt.queued_at)
  const started = at(attempt.started_at)
  const ended = at(attempt.ended_at) ?? now
  const bars: Bar[] = []
  const add = (kind: Bar['kind'], from: number, to: number) => {
    if (to > from) bars.push({ kind, from, to })
  }
  add('sent', sent, queued ?? started ?? ended)
  if (queued !== null) add('queue', queued, started ?? ended)
  if (started !== null) add('run', started, ended)
  return bars
}

function endOf({ outcome, failure, remote, done_by, cancel }: InspectedAttempt): string {
  if (failure) return failure.code
  if (outcome === 'won')
    return done_by && done_by !== 'report' ? `result stored, found by ${done_by}` : 'result stored'
  if (outcome === 'open') return ''
  if (cancel) return cancel.confirmed_at ? 'cancelled' : 'cancelled, not confirmed'
  return remote === 'ended' ? 'ended' : 'closed'
}

function thinned(events: readonly JobEvent[], from: number, to: number): Mark[] {
  const taken = new Set<string>()
  return events.flatMap((event) => {
    const kind = markKind(event)
    const instant = Date.parse(event.at)
    const place = `${kind}:${Math.round(((instant - from) / (to - from)) * PLACES)}`
    if (taken.has(place)) return []
    taken.add(place)
    return { seq: event.seq, type: event.type, kind, at: instant }
  })
}

function at(instant: string | null): number | null {
  return instant === null ? null : Date.parse(instant)
}
