/** The actor opened up for an operator. Reads only: looking at a job writes nothing and changes nothing. */
import { type Inspection, inspectionOf } from './core/inspection.ts'
import { iso } from './core/iso.ts'
import type { Job } from './core/job.ts'
import { type MirrorRow, mirrorRowOf } from './core/mirror-row.ts'
import type { EventJson, JobJson } from './rpc.ts'
import type { JobStore, LogQuery } from './store.ts'
import type { SocketNote } from './watchers.ts'

/** Types of log lines that tell of trouble. */
export const TROUBLE: readonly string[] = [
  'attempt_failed',
  'error',
  'force_failed',
  'dispatch_ambiguous',
  'cancel_unconfirmed',
  'late_report',
  'wakes_throttled',
  'webhook_failed',
  'webhook_given_up',
  'webhook_refused',
]

/** The most sockets that are told one by one. */
const MOST_SOCKETS = 100
/** How far back the last answer to a webhook is looked for. */
const MOST_ANSWERS = 100

/** What the actor says of itself; the Worker sets the D1 row beside it. */
export interface ActorJson {
  job: JobJson
  actor: Inspection & {
    /** When the platform will ring; null while the alarm runs, or when nothing is ahead. */
    alarm_at: string | null
    webhook_answers: { id: string; at: string; status: number | null; detail: string | null }[]
    sockets: { count: number; list: { since: string; last_seq: number }[] }
    storage: { rows: number; bytes: number }
    /** Since the job was accepted, as far as commits have saved the counts. */
    wakes: number
    instances: number
  }
  /** What the D1 row ought to say. */
  expected: MirrorRow | null
  log: { events: EventJson[]; first_seq: number; last_seq: number }
}

interface Parts {
  readonly shown: JobJson
  readonly store: JobStore
  readonly sockets: readonly SocketNote[]
  readonly armedAt: number | null
  readonly pricePerSecond: number | null
}

export function inspect(job: Job, parts: Parts, query: LogQuery, now: number): ActorJson {
  const { shown, store, sockets, armedAt, pricePerSecond } = parts
  return {
    job: shown,
    actor: {
      ...inspectionOf(job, pricePerSecond, now),
      alarm_at: armedAt === null ? null : iso(armedAt),
      webhook_answers: webhookAnswers(job, store),
      sockets: {
        count: sockets.length,
        list: sockets.slice(0, MOST_SOCKETS).map(({ since, seq }) => ({ since: iso(since), last_seq: seq })),
      },
      storage: store.size,
      ...store.life,
    },
    expected: mirrorRowOf(job),
    log: { events: store.eventsWhere(query), first_seq: store.firstSeq, last_seq: store.lastSeq },
  }
}

/** Types of log lines that tell what a receiver answered; `deliveryAnswered` writes them, each naming its `delivery`. */
const ANSWERED = ['webhook_delivered', 'webhook_failed', 'webhook_given_up', 'webhook_refused']

/** What the receiver last answered to each message that the job knows of, as the log tells. */
function webhookAnswers({ outbox }: Job, store: JobStore): ActorJson['actor']['webhook_answers'] {
  const known = [...outbox.webhooks, ...outbox.webhooksSettled]
  if (known.length === 0) return []
  const lines = store.eventsWhere({ after: null, before: null, limit: MOST_ANSWERS, types: ANSWERED })
  return known.flatMap(({ id }) => {
    const line = lines.findLast(({ data }) => data.delivery === id)
    if (!line) return []
    const { status, detail } = line.data
    return {
      id,
      at: line.at,
      status: typeof status === 'number' ? status : null,
      detail: typeof detail === 'string' ? detail : null,
    }
  })
}
