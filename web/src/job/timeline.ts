/** Derives the stations of the current round from the event log. Pure. */
import type { Job, JobEvent } from '../../../client/index.ts'
import type { LogType } from '../../../wire/events.ts'

export interface Step {
  name: string
  state: 'done' | 'now' | 'failed' | 'ahead'
  /** When it began; null when it has not begun, or the log does not contain it. */
  at: string | null
  /** When the next station began. */
  until: string | null
}

/** The first station belongs to the round, all others to its current attempt. */
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

/** Events that end the wait of an accepted job: RunPod accepted an attempt, or the attempt failed before that. */
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
  // For a retired job only the time of its creation is known.
  starts[0] ??= job.created_at
  const current = furthest(job, starts)
  const over = job.status === 'error' || job.status === 'cancelled'
  // The stations after the current one are reset: a failed attempt had reached them.
  starts.fill(null, current + 1)
  return STATIONS.map(({ name }, index) => {
    const at = starts[index] ?? null
    // The wait before the first attempt does not include the duration of earlier attempts.
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

/** Events since the job was last started manually. */
function roundOf(events: readonly JobEvent[]): readonly JobEvent[] {
  const last = events.findLastIndex(({ type }) => type === 'retried')
  return last === -1 ? events : events.slice(last)
}

export interface FailedAttempt {
  attempt: number
  message: string
}

/** Failed attempts of this round before the current one; a refused dispatch does not count. */
export function failedAttempts(job: Job, events: readonly JobEvent[]): FailedAttempt[] {
  const messages = roundOf(events).flatMap((event) => {
    if (event.type !== 'attempt_failed' || event.data.counts === false) return []
    return [event.data.message]
  })
  const failed = messages.map((message, index) => ({ attempt: index + 1, message }))
  return failed.filter(({ attempt }) => attempt < job.attempt || job.status === 'pending')
}

/** A type as text: `complete`, `attempt failed`. */
export function eventWords(type: string): string {
  const words = type.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
