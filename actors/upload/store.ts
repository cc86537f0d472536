/**
 * The upload's own storage: one row with its state, and one row for each part stored in R2. R2's binding cannot list
 * the parts of an upload, so this is the only record of them. Nothing is created before there is an upload.
 */
import type { Part, UploadState } from './rules.ts'

type PartRow = { number: number; etag: string; size: number; md5: string | null }

export class UploadStore {
  readonly #storage: DurableObjectStorage
  #created = false

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** The committed state; null when this actor has no upload. Writes only to migrate older tables. */
  load(): UploadState | null {
    const { sql } = this.#storage
    const tables = sql
      .exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'upload'")
      .toArray()
    if (tables.length === 0) return null
    this.#created = true
    const row = sql.exec<{ state: string }>('SELECT state FROM upload WHERE id = 1').toArray()[0]
    if (!row) return null
    const columns = sql.exec<{ name: string }>("SELECT name FROM pragma_table_info('parts')").toArray()
    if (!columns.some(({ name }) => name === 'md5')) sql.exec('ALTER TABLE parts ADD COLUMN md5 TEXT')
    const state: UploadState = JSON.parse(row.state)
    return state
  }

  save(state: UploadState): void {
    const { sql } = this.#storage
    this.#storage.transactionSync(() => {
      if (!this.#created) {
        sql.exec('CREATE TABLE upload (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL)')
        sql.exec(
          'CREATE TABLE parts (number INTEGER PRIMARY KEY, etag TEXT NOT NULL, size INTEGER NOT NULL, md5 TEXT)',
        )
      }
      sql.exec('INSERT OR REPLACE INTO upload (id, state) VALUES (1, ?)', JSON.stringify(state))
    })
    this.#created = true
  }

  /** A part that is sent again replaces the earlier one, as in R2. */
  savePart({ number, etag, size, md5 }: Part): void {
    this.#storage.sql.exec(
      'INSERT OR REPLACE INTO parts (number, etag, size, md5) VALUES (?, ?, ?, ?)',
      number,
      etag,
      size,
      md5,
    )
  }

  /** Deletes the records only: R2 replaces these parts by new ones, or drops them on completion. */
  forgetParts(): void {
    this.#storage.sql.exec('DELETE FROM parts')
  }

  /** In order of their numbers. */
  parts(): Part[] {
    return this.#storage.sql
      .exec<PartRow>('SELECT number, etag, size, md5 FROM parts ORDER BY number')
      .toArray()
      .map(({ number, etag, size, md5 }) => ({ number, etag, size, md5 }))
  }

  /** Bytes of one part; 0 when it is not stored. */
  bytesOf(number: number): number {
    const query = 'SELECT size FROM parts WHERE number = ?'
    return this.#storage.sql.exec<{ size: number }>(query, number).toArray()[0]?.size ?? 0
  }

  /** Bytes of all parts except this number. */
  bytesBeside(number: number): number {
    const query = 'SELECT COALESCE(SUM(size), 0) AS bytes FROM parts WHERE number <> ?'
    return this.#storage.sql.exec<{ bytes: number }>(query, number).one().bytes
  }

  /** Empties the actor: no row, no alarm. */
  async erase(): Promise<void> {
    await this.#storage.deleteAll()
    this.#created = false
  }
}
