/**
 * The actor's schema, as an append-only list: entry n brings storage from version n to n + 1. An entry is never
 * edited once it was deployed; objects that slept through several deployments run all that they missed.
 */
import * as v from 'valibot'

export type SchemaVersion = 0 | 1 | 2 | 3

/** The version that this code reads and writes. */
export const SCHEMA: SchemaVersion = 3

interface Migration {
  readonly sql: readonly string[]
  /** Brings the stored state's JSON to the new shape. */
  readonly state: (state: unknown) => unknown
}

const MIGRATIONS: readonly Migration[] = [
  {
    sql: [
      'CREATE TABLE job (id INTEGER PRIMARY KEY CHECK (id = 1), schema INTEGER NOT NULL, state TEXT NOT NULL)',
      'CREATE TABLE events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, round INTEGER, attempt INTEGER, data TEXT NOT NULL)',
    ],
    state: (state) => state,
  },
  {
    sql: [
      'ALTER TABLE job ADD COLUMN wakes INTEGER NOT NULL DEFAULT 0',
      'ALTER TABLE job ADD COLUMN instances INTEGER NOT NULL DEFAULT 0',
    ],
    state: (state) => state,
  },
  { sql: [], state: withTold },
]

const Untold = v.looseObject({
  savedAt: v.number(),
  outbox: v.looseObject({ webhooks: v.array(v.looseObject({ event: v.string() })) }),
})

/** Version 3 keeps with each message what it tells, and the settled ones for those who want one again. */
function withTold(state: unknown): unknown {
  const job = v.parse(Untold, state)
  const webhooks = job.outbox.webhooks.map((owed) => ({
    ...owed,
    at: job.savedAt,
    told: { status: owed.event },
  }))
  return { ...job, outbox: { ...job.outbox, webhooks, webhooksSettled: [] } }
}

/**
 * Runs every migration above `from`, inside the caller's transaction or its own, and answers the state's JSON text in
 * today's shape.
 *
 * @throws Error when storage was written by newer code than this: it must not be touched.
 */
export function upgrade(storage: DurableObjectStorage, from: SchemaVersion, state: string): string
export function upgrade(storage: DurableObjectStorage, from: 0, state: null): null
export function upgrade(
  storage: DurableObjectStorage,
  from: SchemaVersion,
  state: string | null,
): string | null {
  if (from > SCHEMA) throw new Error(`Storage has schema ${from}; this version knows ${SCHEMA}.`)
  if (from === SCHEMA) return state
  let value: unknown = state === null ? null : JSON.parse(state)
  return storage.transactionSync(() => {
    for (const migration of MIGRATIONS.slice(from)) {
      for (const statement of migration.sql) storage.sql.exec(statement)
      if (value !== null) value = migration.state(value)
    }
    if (value === null) return null
    const text = JSON.stringify(value)
    storage.sql.exec('UPDATE job SET schema = ?, state = ? WHERE id = 1', SCHEMA, text)
    return text
  })
}
