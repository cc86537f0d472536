/** The layout of a job's waterfall on one time axis: a lane for each attempt, with marks for its events. Pure. */
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

/** `backoff`: the pause before the attempt; `silence`: its worker has not reported since. */
export interface Bar {
  kind: 'backoff' | 'sent' | 'queue' | 'run' | 'silence'
  from: number
  to: number
}

export interface Lane {
  name: string
  outcome: InspectedAttempt['outcome'] | 'job'
  bars: Bar[]
  /** The text at its end. */
  end: string
  marks: Mark[]
}

export interface Timeline {
  from: number
  to: number
  lanes: Lane[]
}

/** The fields of a job that the waterfall is drawn from. Instants are RFC 3339. */
export interface Span {
  createdAt: string
  finishedAt: string | null
  /** The last report of the open attempt's worker. */
  heardAt?: string | null
  /** Silence of at least this many seconds is marked. */
  stallSeconds?: number
  /** Start of the next attempt. */
  nextAt?: string | null
}

/** A lane with too many marks is divided into this many places, with one mark of each kind at each place. */
const PLACES = 200

/**
 * The cause of an event: a worker's report, RunPod's webhook, the actor's alarm, the service's webhook, or a person.
 */
export function markKind({ type, data }: JobEvent): MarkKind {
  if ('by' in data) return 'operator'
  const source = 'source' in data ? data.source : undefined
  if (source !== undefined) return MARKS_BY_SOURCE[source]
  return MARKS[kindOf(type).by]
}

const MARKS = { operator: 'operator', webhook: 'webhook', worker: 'report', service: 'alarm' } as const
/** For lines that contain their source. */
const MARKS_BY_SOURCE: Record<DoneBy, MarkKind> = {
  report: 'report',
  webhook: 'callback',
  poll: 'alarm',
  look: 'alarm',
}

export function timelineOf(
  attempts: readonly InspectedAttempt[],
  events: readonly JobEvent[],
  span: Span,
  now: number,
): Timeline {
  const from = Date.parse(span.createdAt)
  const ends = attempts.flatMap(({ ended_at, remote_ended_at }) => [at(ended_at), at(remote_ended_at)])
  const finished = at(span.finishedAt)
  // An ended job may still have events: a late report, a webhook, a removal.
  const newest = at(events.at(-1)?.at ?? null)
  const last = Math.max(from, finished ?? now, newest ?? from, ...ends.filter((each) => each !== null))
  const to = Math.max(last, from + 1_000)
  const several = new Set(attempts.map(({ round }) => round)).size > 1
  let before: number | null = null
  const lanes = grouped(attempts).map((group): Lane => {
    const [first] = group
    const latest = group.at(-1) ?? first
    const own = events.filter(({ round, attempt }) =>
      group.some((each) => each.round === round && each.attempt === attempt),
    )
    const bars = first.counts ? barsOf(latest, span, now) : [refusedBar(first, latest, now)]
    const [start] = bars
    if (before !== null && start && start.from > before)
      bars.unshift({ kind: 'backoff', from: before, to: start.from })
    before = at(latest.ended_at)
    return {
      name: nameOf(group, attempts, several),
      outcome: latest.outcome,
      bars,
      end: endOf(latest),
      marks: thinned(own, from, to),
    }
  })
  const tail = lanes.at(-1)
  const next = at(span.nextAt ?? null)
  // The job waits for the next attempt.
  if (tail && before !== null && finished === null && next !== null && next > now)
    tail.bars.push({ kind: 'backoff', from: before, to })
  const others = events.filter((event) => event.attempt === null)
  lanes.unshift({ name: 'Job', outcome: 'job', bars: [], end: '', marks: thinned(others, from, to) })
  return { from, to, lanes }
}

type Group = [InspectedAttempt, ...InspectedAttempt[]]

/** Consecutive dispatches that were refused through no fault of the job share a lane. */
function grouped(attempts: readonly InspectedAttempt[]): Group[] {
  const groups: Group[] = []
  for (const attempt of attempts) {
    const last = groups.at(-1)
    if (last && !attempt.counts && !last[0].counts && last[0].round === attempt.round) last.push(attempt)
    else groups.push([attempt])
  }
  return groups
}

function nameOf([first, ...others]: Group, attempts: readonly InspectedAttempt[], several: boolean): string {
  const round = several ? `${first.round}-` : ''
  if (!first.counts) return others.length === 0 ? 'Refused' : `Refused × ${others.length + 1}`
  const earlier = attempts.filter(
    ({ round: its, counts, attempt }) => its === first.round && counts && attempt < first.attempt,
  )
  return `Attempt ${round}${earlier.length + 1}`
}

function refusedBar(first: InspectedAttempt, last: InspectedAttempt, now: number): Bar {
  return { kind: 'sent', from: Date.parse(first.dispatched_at), to: at(last.ended_at) ?? now }
}

function barsOf(attempt: InspectedAttempt, { heardAt, stallSeconds = 60 }: Span, now: number): Bar[] {
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
  const lastReport = Math.max(started ?? 0, at(heardAt ?? null) ?? 0)
  if (started !== null && attempt.outcome === 'open' && now - lastReport >= stallSeconds * 1000)
    add('silence', lastReport, now)
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
