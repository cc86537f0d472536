/** Stores where each walk of the sweep continues in the next run. */
import type { Env } from '../env.ts'

/** Null for the beginning. */
export function readCursor(env: Env, name: string): Promise<string | null> {
  return env.DB.prepare('SELECT value FROM sweep_cursors WHERE name = ?').bind(name).first<string>('value')
}

export async function writeCursor(env: Env, name: string, cursor: string | null): Promise<void> {
  const statement =
    cursor === null
      ? env.DB.prepare('DELETE FROM sweep_cursors WHERE name = ?').bind(name)
      : env.DB.prepare('INSERT OR REPLACE INTO sweep_cursors (name, value) VALUES (?, ?)').bind(name, cursor)
  await statement.run()
}
