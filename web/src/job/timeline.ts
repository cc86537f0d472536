/** What the event log says about the current round, made ready to be shown. Pure. */
import type { Job, JobEvent } from '../../../client/index.ts'
import type { LogType } from '../../../wire/events.ts'

export interface Step {
  name: string
  state: 'done' | 'now' | 'failed' | 'ahead'
  /** When it began; null when it has not, or the log does not say. */
  at: string | null
  /** When the next one began. */
  until: string | null
}

/** The first belongs to the round, all others to its current attempt. */
const STATIONS: { name: string; reached: (event: JobEvent) => boolean }[] = [
  { name: 'Accepted', reached: ({ type }) => type === 'created' || type === 'retried' },
  { name: 'Queued', reached: ({ type }) => type === 'queued' },
  { name: 'Rendering', reached: ({ type }) => type === 'processing' },
  { name: 'Storing', reached: (event) => event.type === 'verifying' || stageOf(event) === 'storing' },
  { name: 'Stored', reached: ({ type }) => type === 'complete' },
]

function stageOf(event: JobEvent): string | null {
  return event.type === 'processing' || event.type === 'stage' ? event.data.stage : null
}

/** What ends the wait of an accepted job: RunPod took an attempt, or the attempt failed before that. */
const LEFT_ACCEPTED: ReadonlySet<LogType> = new Set(['queued', 'attempt_failed'])

export function stepsOf(job: Job, events: readonly JobEvent[]): Step[] {
  const round = roundOf(events)
  const attempt = round.slice(
    Math.max(
      0,
      round.findLastIndex(({ type }) => type === 'attempt_started'),
    ),
  )
  const starts = STATIONS.map(
    ({ reached }, index) => (index === 0 ? round : attempt).find(reached)?.at ?? null,
  )
  // The list knows when a retired job was accepted, and nothing in between.
  starts[0] ??= job.created_at
  const current = furthest(job, starts)
  const over = job.status === 'error' || job.status === 'cancelled'
  // What an attempt that failed had reached lies ahead again.
  starts.fill(null, current + 1)
  return STATIONS.map(({ name }, index) => {
    const at = starts[index] ?? null
    // What earlier attempts took is no part of the wait before the first one.
    const first = index === 0 && current > 0 ? round.find(({ type }) => LEFT_ACCEPTED.has(type))?.at : null
    const next = first ?? starts.slice(index + 1).find((each) => each !== null)
    const until = at === null ? null : (next ?? (over ? job.finished_at : null))
    return { name, state: stateOf(index, current, job, over), at, until }
  })
}

function stateOf(index: number, current: number, job: Job, over: boolean): Step['state'] {
  if (index < current || job.status === 'complete') return 'done'
  if (index > current) return 'ahead'
  return over ? 'failed' : 'now'
}

function furthest(job: Job, starts: (string | null)[]): number {
  switch (job.status) {
    case 'pending':
      return 0
    case 'queued':
      return 1
    case 'processing':
      return job.stage === 'storing' ? 3 : 2
    case 'complete':
      return STATIONS.length - 1
    default:
      return Math.max(
        0,
        starts.findLastIndex((at) => at !== null),
      )
  }
}

/** Events since the job was last started by hand. */
function roundOf(events: readonly JobEvent[]): readonly JobEvent[] {
  const last = events.findLastIndex(({ type }) => type === 'retried')
  return last === -1 ? events : events.slice(last)
}

export interface FailedAttempt {
  attempt: number
  message: string
}

/** Attempts of this round that failed before the current one. */
export function failedAttempts(job: Job, events: readonly JobEvent[]): FailedAttempt[] {
  return roundOf(events).flatMap((event) => {
    if (event.type !== 'attempt_failed' || event.attempt === null) return []
    return event.attempt < job.attempt || job.status === 'pending'
      ? [{ attempt: event.attempt, message: event.data.message }]
      : []
  })
}

/** `complete`, `attempt failed`: a type as words. */
export function eventWords(type: string): string {
  const words = type.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
