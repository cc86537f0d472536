/**
 * Actor storage as written by an earlier version of the service, restored into an actor as if it had slept since. Each
 * file in `stored/` is one job of one version; these files are kept permanently and never changed.
 */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'

type Value = string | number | null

export interface Stored {
  /** The version of the schema that wrote it. */
  schema: number
  /** The job's id and state. */
  id: string
  status: string
  savedAt: number
  tables: { name: string; sql: string; rows: Record<string, Value>[] }[]
}

const TABLES =
  "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'"

/** Everything that an actor has stored. */
export function dump(handle: { readonly stub: DurableObjectStub }): Promise<Stored['tables']> {
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

/** Restores storage into an empty actor, and evicts it. */
export async function restore(
  handle: { readonly stub: DurableObjectStub },
  { tables }: Pick<Stored, 'tables'>,
): Promise<void> {
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
  await evictDurableObject(handle.stub)
}
