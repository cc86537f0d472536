/**
 * The actor's own storage: one row that is the truth, and an append-only event log that is history. A commit writes
 * both in one transaction. Nothing is created before there is a job, so an empty actor stays empty.
 */
import type { EventJson, LogLine } from '../../wire/events.ts'
import { iso } from './core/iso.ts'
import type { Job } from './core/job.ts'
import { SCHEMA, type SchemaVersion, upgrade } from './store-schema.ts'

/** The newest lines kept; older ones are dropped, and a watcher that asks for them is told so by a reset. */
export const MAX_EVENTS_KEPT = 10_000

/** The row and the ends of the log; the counts came with schema 2, and storage older than that has none. */
type StoredRow = {
  state: string
  schema: SchemaVersion
  wakes?: number
  instances?: number
  first: number | null
  last: number | null
}
type EventRow = {
  seq: number
  at: number
  type: string
  round: number | null
  attempt: number | null
  data: string
}

export interface LogQuery {
  readonly after: number | null
  readonly before: number | null
  readonly limit: number
  /** Only lines of these types; null for all. */
  readonly types: readonly string[] | null
}

/** A type and its data were stored together, by `commit`. */
function eventOf(row: EventRow): EventJson {
  return { ...row, at: iso(row.at), data: JSON.parse(row.data) } as EventJson
}

/**
 * All that an actor wakes with, in one statement: every one counts in the first answer of a cold actor. Each end of the
 * log by a query of its own: asked for both in one, SQLite reads every line of it.
 */
const STORED = `SELECT *, (SELECT MIN(seq) FROM events) AS first, (SELECT MAX(seq) FROM events) AS last
  FROM job WHERE id = 1`

export class JobStore {
  readonly #storage: DurableObjectStorage
  /**
   * How often the alarm rang and the actor was started, while it held the job. Counted in memory and saved by the next
   * commit, so that counting costs no write of its own: what came after the last commit is forgotten by an eviction.
   */
  readonly life = { wakes: 0, instances: 1 }
  #created = false
  #lastSeq = 0
  #firstSeq = 1

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** The number of the newest log line; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** The oldest line still kept. */
  get firstSeq(): number {
    return this.#firstSeq
  }

  /** The committed job, upgraded to today's schema; null when this actor holds none. Reads only, unless it upgrades. */
  load(): Job | null {
    const stored = this.#stored()
    if (!stored) return null
    this.#created = true
    const [row] = stored
    if (!row) return null
    const state = upgrade(this.#storage, row.schema, row.state)
    const { wakes = 0, instances = 0, first, last } = row
    Object.assign(this.life, { wakes, instances: instances + 1 })
    this.#firstSeq = first ?? 1
    this.#lastSeq = last ?? 0
    const job: Job = JSON.parse(state)
    return job
  }

  /** Null before there is a table. It is not looked for first: only an actor without a job pays for that. */
  #stored(): StoredRow[] | null {
    try {
      return this.#storage.sql.exec<StoredRow>(STORED).toArray()
    } catch (error) {
      if (/\bno such table: job\b/.test(String(error))) return null
      throw error
    }
  }

  /** Writes row and log lines, all or nothing, and answers the lines with their numbers. */
  commit(job: Job, log: readonly LogLine[], now: number): EventJson[] {
    const first = this.#lastSeq + 1
    this.#storage.transactionSync(() => {
      const { sql } = this.#storage
      const { wakes, instances } = this.life
      const state = JSON.stringify(job)
      if (!this.#created) {
        upgrade(this.#storage, 0, null)
        sql.exec(
          'INSERT INTO job (id, schema, state, wakes, instances) VALUES (1, ?, ?, ?, ?)',
          SCHEMA,
          state,
          wakes,
          instances,
        )
      } else {
        sql.exec('UPDATE job SET state = ?, wakes = ?, instances = ? WHERE id = 1', state, wakes, instances)
      }
      log.forEach((line, index) => {
        sql.exec(
          'INSERT INTO events (seq, at, type, round, attempt, data) VALUES (?, ?, ?, ?, ?, ?)',
          first + index,
          now,
          line.type,
          line.ref?.round ?? null,
          line.ref?.attempt ?? null,
          JSON.stringify(line.data),
        )
      })
      const oldest = first + log.length - MAX_EVENTS_KEPT
      if (oldest > this.#firstSeq) sql.exec('DELETE FROM events WHERE seq < ?', oldest)
    })
    this.#created = true
    this.#lastSeq += log.length
    this.#firstSeq = Math.max(this.#firstSeq, this.#lastSeq - MAX_EVENTS_KEPT + 1)
    return log.map(({ ref, ...line }, index) => ({
      seq: first + index,
      at: iso(now),
      round: ref?.round ?? null,
      attempt: ref?.attempt ?? null,
      ...line,
    }))
  }

  /** Log lines with a number above `after`, oldest first, at most `limit`. */
  eventsAfter(after: number, limit: number): EventJson[] {
    return this.#storage.sql
      .exec<EventRow>(
        'SELECT seq, at, type, round, attempt, data FROM events WHERE seq > ? ORDER BY seq LIMIT ?',
        after,
        limit,
      )
      .toArray()
      .map(eventOf)
  }

  /**
   * At most `limit` of the lines that `filter` lets through, oldest first: those just above `after`, or those just
   * below `before`; with neither, the newest.
   */
  eventsWhere({ after, before, limit, types }: LogQuery): EventJson[] {
    const conditions = ['seq > ?', 'seq < ?']
    if (types) conditions.push(`type IN (${types.map(() => '?').join(', ')})`)
    const rows = this.#storage.sql
      .exec<EventRow>(
        `SELECT seq, at, type, round, attempt, data FROM events WHERE ${conditions.join(' AND ')}
         ORDER BY seq ${after === null ? 'DESC' : 'ASC'} LIMIT ?`,
        after ?? 0,
        before ?? Number.MAX_SAFE_INTEGER,
        ...(types ?? []),
        limit,
      )
      .toArray()
      .map(eventOf)
    return after === null ? rows.reverse() : rows
  }

  /** What the actor's storage holds: rows of its own tables, and bytes on disk. */
  get size(): { rows: number; bytes: number } {
    const lines = this.#lastSeq - this.#firstSeq + 1
    return { rows: (this.#created ? 1 : 0) + lines, bytes: this.#storage.sql.databaseSize }
  }

  /** The actor is empty again: no row, no log, no alarm. */
  async erase(): Promise<void> {
    await this.#storage.deleteAll()
    this.#created = false
    this.#lastSeq = 0
    this.#firstSeq = 1
    Object.assign(this.life, { wakes: 0, instances: 1 })
  }
}
