/** Inspection of an actor for operators. Read-only. */
import type { InspectedActor, InspectedLine, InspectedLog } from '../../wire/admin.ts'
import type { EventJson, LogType } from '../../wire/events.ts'
import type { JobJson } from '../../wire/job.ts'
import { iso } from './core/iso.ts'
import type { Job } from './core/job.ts'
import type { Prices } from './core/shown/costs.ts'
import { inspectionOf } from './core/shown/inspection.ts'
import { type MirrorRow, mirrorRowOf } from './core/shown/mirror-row.ts'
import type { JobStore, LogQuery } from './store.ts'
import type { SocketNote } from './watchers.ts'

/** The most sockets listed individually. */
const MAX_LISTED_SOCKETS = 100
/** How many log lines are searched for the last answer to a webhook. */
const MAX_ANSWERS = 100

/** The actor's part of the inspection; the Worker adds the D1 row. */
export interface ActorJson {
  job: JobJson
  actor: InspectedActor
  /** The expected content of the D1 row. */
  expected: MirrorRow | null
  log: InspectedLog
}

interface Parts {
  readonly shown: JobJson
  readonly store: JobStore
  readonly sockets: readonly SocketNote[]
  readonly line: InspectedLine
  readonly armedAt: number | null
  readonly prices: Prices
}

export function inspect(job: Job, parts: Parts, query: LogQuery, now: number): ActorJson {
  const { shown, store, sockets, line, armedAt, prices } = parts
  return {
    job: shown,
    actor: {
      ...inspectionOf(job, prices, now),
      alarm_at: armedAt === null ? null : iso(armedAt),
      webhook_answers: webhookAnswers(job, store),
      sockets: {
        count: sockets.length,
        list: sockets
          .slice(0, MAX_LISTED_SOCKETS)
          .map(({ since, seq }) => ({ since: iso(since), last_seq: seq })),
      },
      line,
      storage: store.size,
      ...store.life,
    },
    expected: mirrorRowOf(job),
    log: { events: store.eventsWhere(query), first_seq: store.firstSeq, last_seq: store.lastSeq },
  }
}

/** Types of log lines that contain the answer of a receiver. */
const ANSWERED = [
  'webhook_delivered',
  'webhook_failed',
  'webhook_given_up',
  'webhook_refused',
] as const satisfies readonly LogType[]

function isAnswer(line: EventJson): line is EventJson<(typeof ANSWERED)[number]> {
  return ANSWERED.some((type) => type === line.type)
}

/** The receiver's last answer to each stored message, from the log. */
function webhookAnswers({ outbox }: Job, store: JobStore): InspectedActor['webhook_answers'] {
  const known = [...outbox.webhooks, ...outbox.webhooksSettled]
  if (known.length === 0) return []
  const lines = store
    .eventsWhere({ after: null, before: null, limit: MAX_ANSWERS, types: ANSWERED })
    .filter(isAnswer)
  return known.flatMap(({ id }) => {
    const line = lines.findLast(({ data }) => data.delivery === id)
    if (!line) return []
    const { status = null } = line.data
    return { id, at: line.at, status, detail: 'detail' in line.data ? line.data.detail : null }
  })
}
