/**
 * The actor's own storage: one row with the state, and an append-only event log with the history. A commit writes both
 * in one transaction. Nothing is created before there is a job, so an empty actor stays empty.
 */
import type { EventJson, LogLine } from '../../wire/events.ts'
import { iso } from './core/iso.ts'
import type { Job } from './core/job.ts'
import { SCHEMA, type SchemaVersion, TABLES, upgrade } from './store-schema.ts'

/** The most lines kept; older ones are dropped, and a watcher that resumes before them receives a reset. */
export const MAX_EVENTS_KEPT = 10_000

/** The row and the bounds of the log; the counts were added with schema 2, and older storage lacks them. */
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
 * Reads all that an actor needs at start in one statement, since each adds to the latency of a cold actor. The bounds
 * of the log are two subqueries: with MIN and MAX in one query, SQLite reads every line of the log.
 */
const STORED = `SELECT *, (SELECT MIN(seq) FROM events) AS first, (SELECT MAX(seq) FROM events) AS last
  FROM job WHERE id = 1`

export class JobStore {
  readonly #storage: DurableObjectStorage
  /**
   * How often the alarm fired and the actor was started while it had the job. Counted in memory and stored with the
   * next commit, to avoid writes for counting: an eviction loses counts after the last commit.
   */
  readonly life = { wakes: 0, instances: 1 }
  #created = false
  #lastSeq = 0
  #firstSeq = 1

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** The number of the newest log line; 0 without one. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** The number of the oldest line kept. */
  get firstSeq(): number {
    return this.#firstSeq
  }

  /**
   * The committed job, upgraded to the current schema; null when this actor has none. Reads only, unless it upgrades.
   */
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

  /**
   * Null without a table. The error is caught rather than checked for, so that only an actor without a job incurs the
   * cost.
   */
  #stored(): StoredRow[] | null {
    try {
      return this.#storage.sql.exec<StoredRow>(STORED).toArray()
    } catch (error) {
      if (/\bno such table: job\b/.test(String(error))) return null
      throw error
    }
  }

  /** Writes row and log lines, atomically, and returns the lines with their numbers. */
  commit(job: Job, log: readonly LogLine[], now: number): EventJson[] {
    const first = this.#lastSeq + 1
    this.#storage.transactionSync(() => {
      const { sql } = this.#storage
      const { wakes, instances } = this.life
      const state = JSON.stringify(job)
      if (!this.#created) {
        for (const table of TABLES) sql.exec(table)
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
   * At most `limit` of the lines that match `filter`, oldest first: those just above `after`, or those just below
   * `before`; with neither, the newest.
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

  /** The size of the actor's storage: rows of its own tables, and bytes on disk. */
  get size(): { rows: number; bytes: number } {
    const lines = this.#lastSeq - this.#firstSeq + 1
    return { rows: (this.#created ? 1 : 0) + lines, bytes: this.#storage.sql.databaseSize }
  }

  /** Empties the actor: no row, no log, no alarm. */
  async erase(): Promise<void> {
    await this.#storage.deleteAll()
    this.#created = false
    this.#lastSeq = 0
    this.#firstSeq = 1
    Object.assign(this.life, { wakes: 0, instances: 1 })
  }
}
