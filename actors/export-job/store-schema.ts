/**
 * The actor's schema, as an append-only list: entry n migrates storage from version n + 1 to n + 2. A deployed entry is
 * never edited; an object that slept through several deployments runs all that it missed.
 */
import * as v from 'valibot'

export type SchemaVersion = 1 | 2 | 3

/** The version that this code reads and writes. */
export const SCHEMA: SchemaVersion = 3

interface Migration {
  readonly sql: readonly string[]
  /** Converts the stored state's JSON to the new shape. */
  readonly state: (state: unknown) => unknown
}

/**
 * The result of version 1 and all migrations, for a new actor, since each of their statements counts as a row written.
 */
export const TABLES: readonly string[] = [
  'CREATE TABLE job (id INTEGER PRIMARY KEY CHECK (id = 1), schema INTEGER NOT NULL, state TEXT NOT NULL, wakes INTEGER NOT NULL DEFAULT 0, instances INTEGER NOT NULL DEFAULT 0)',
  'CREATE TABLE events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, round INTEGER, attempt INTEGER, data TEXT NOT NULL)',
]

const MIGRATIONS: readonly Migration[] = [
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

/** Version 3 stores the payload of each message, and settled messages for a redelivery. */
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
 * Runs every migration above `from`, in the caller's transaction or its own, and returns the state's JSON text in the
 * current shape.
 *
 * @throws Error when storage was written by a newer version of the code: it must not be touched
 */
export function upgrade(storage: DurableObjectStorage, from: SchemaVersion, state: string): string {
  if (from > SCHEMA) throw new Error(`Storage has schema ${from}; this version knows ${SCHEMA}.`)
  if (from === SCHEMA) return state
  let value: unknown = JSON.parse(state)
  return storage.transactionSync(() => {
    for (const migration of MIGRATIONS.slice(from - 1)) {
      for (const statement of migration.sql) storage.sql.exec(statement)
      value = migration.state(value)
    }
    const text = JSON.stringify(value)
    storage.sql.exec('UPDATE job SET schema = ?, state = ? WHERE id = 1', SCHEMA, text)
    return text
  })
}
