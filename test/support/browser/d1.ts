/** Access to D1's local file, for changes that the service itself cannot make. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Runs statements in the database of the list. */
export function inD1(stateDir: string, ...statements: string[]): void {
  const db = new DatabaseSync(fileOf(stateDir), { timeout: 5_000 })
  try {
    for (const statement of statements) db.exec(statement)
  } finally {
    db.close()
  }
}

function fileOf(stateDir: string): string {
  const folder = readdirSync(stateDir, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /d1\/.*\.sqlite$/.test(path) && !path.includes('metadata'),
  )
  const [file] = folder
  if (!file) throw new Error(`There is no database of D1 under ${stateDir}.`)
  return join(stateDir, file)
}
