/** The actor opened up for an operator. Reads only: looking at a job writes nothing and changes nothing. */
import type { InspectedActor, InspectedLog } from '../../wire/admin.ts'
import type { EventJson, LogType } from '../../wire/events.ts'
import type { JobJson } from '../../wire/job.ts'
import { inspectionOf } from './core/inspection.ts'
import { iso } from './core/iso.ts'
import type { Job } from './core/job.ts'
import { type MirrorRow, mirrorRowOf } from './core/mirror-row.ts'
import type { JobStore, LogQuery } from './store.ts'
import type { SocketNote } from './watchers.ts'

/** The most sockets that are told one by one. */
const MOST_SOCKETS = 100
/** How far back the last answer to a webhook is looked for. */
const MOST_ANSWERS = 100

/** What the actor says of itself; the Worker sets the D1 row beside it. */
export interface ActorJson {
  job: JobJson
  actor: InspectedActor
  /** What the D1 row ought to say. */
  expected: MirrorRow | null
  log: InspectedLog
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

/** Types of log lines that tell what a receiver answered. */
const ANSWERED = [
  'webhook_delivered',
  'webhook_failed',
  'webhook_given_up',
  'webhook_refused',
] as const satisfies readonly LogType[]

function isAnswer(line: EventJson): line is EventJson<(typeof ANSWERED)[number]> {
  return ANSWERED.some((type) => type === line.type)
}

/** What the receiver last answered to each message that the job knows of, as the log tells. */
function webhookAnswers({ outbox }: Job, store: JobStore): InspectedActor['webhook_answers'] {
  const known = [...outbox.webhooks, ...outbox.webhooksSettled]
  if (known.length === 0) return []
  const lines = store
    .eventsWhere({ after: null, before: null, limit: MOST_ANSWERS, types: ANSWERED })
    .filter(isAnswer)
  return known.flatMap(({ id }) => {
    const line = lines.findLast(({ data }) => data.delivery === id)
    if (!line) return []
    const { status = null } = line.data
    return { id, at: line.at, status, detail: 'detail' in line.data ? line.data.detail : null }
  })
}
