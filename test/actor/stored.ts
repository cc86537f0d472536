/**
 * Actor storage as it was left by a version of the service, and put back into an actor as if it had slept since. Each
 * file in `stored/` is one job of one version; they are kept for good, and only added to.
 */
import { runInDurableObject } from 'cloudflare:test'
import type { ActorHandle } from './support.ts'

type Value = string | number | null

export interface Stored {
  /** The version of the schema that wrote it. */
  schema: number
  /** The job's id, and how it stood. */
  id: string
  status: string
  savedAt: number
  tables: { name: string; sql: string; rows: Record<string, Value>[] }[]
}

const TABLES =
  "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'"

/** What an actor has stored. */
export function dump(handle: ActorHandle): Promise<Stored['tables']> {
  return runInDurableObject(handle.stub, (_, { storage }) =>
    storage.sql
      .exec<{ name: string; sql: string }>(TABLES)
      .toArray()
      .map(({ name, sql }) => ({
        name,
        sql,
        rows: storage.sql.exec<Record<string, Value>>(`SELECT * FROM ${name}`).toArray(),
      })),
  )
}

/** Puts it into an actor that holds nothing, and lets the actor go to sleep over it. */
export async function restore(handle: ActorHandle, { tables }: Stored): Promise<void> {
  await runInDurableObject(handle.stub, (_, { storage }) => {
    for (const { name, sql, rows } of tables) {
      storage.sql.exec(sql)
      for (const row of rows) {
        const columns = Object.keys(row)
        const marks = columns.map(() => '?').join(', ')
        const values = Object.values(row)
        storage.sql.exec(`INSERT INTO ${name} (${columns.join(', ')}) VALUES (${marks})`, ...values)
      }
    }
  })
  await handle.evict()
}
