/** The stores that outlive everything else: the bucket of videos and the list of jobs, as the service uses them. */
import { posterKeyOf } from '../../actors/export-job/core/attempts.ts'
import type { JobStatus, StoredObject } from '../../actors/export-job/core/job.ts'
import { changedColumns, type MirrorRow } from '../../actors/export-job/core/shown/mirror-row.ts'
import type { World } from './world.ts'

export class Bucket {
  readonly #objects = new Map<string, { readonly object: StoredObject; readonly putAt: number }>()
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** Create-once: an existing object is kept, and reported. */
  put(key: string, size: number): 'stored' | 'there' {
    if (this.#objects.has(key)) return 'there'
    this.#objects.set(key, { object: { key, size, etag: `etag-${key}` }, putAt: this.#world.clock.now })
    this.#world.note(`R2: ${key} stored`)
    this.#world.fileStored()
    return 'stored'
  }

  head(key: string): StoredObject | null {
    return this.#objects.get(key)?.object ?? null
  }

  /** An output with its poster. */
  output(key: string): StoredObject | null {
    const object = this.head(key)
    const poster = this.head(posterKeyOf(key))
    return object && { ...object, ...(poster && { posterKey: poster.key }) }
  }

  putAt(key: string): number | null {
    return this.#objects.get(key)?.putAt ?? null
  }

  removeUnder(prefix: string, keep: readonly string[]): void {
    for (const key of this.keysUnder(prefix)) if (!keep.includes(key)) this.#objects.delete(key)
  }

  delete(key: string): void {
    this.#objects.delete(key)
  }

  keysUnder(prefix: string): string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix))
  }
}

export interface ListRow extends Omit<MirrorRow, 'due_at' | 'status'> {
  due_at: number | null
  status: JobStatus | 'deleting'
  archived: boolean
}

/** D1 with the one row of the job. */
export class List {
  row: ListRow | null = null
  readonly #world: World
  #sweepAt: number | null = null
  #isErased = false

  constructor(world: World) {
    this.#world = world
  }

  /** The Worker's birth row, inserted before the actor has the job. */
  insertBirth(row: ListRow): void {
    this.row ??= row
    this.#planSweep()
  }

  /** A newer row is never overwritten. Only what differs from `last` is named. */
  write(row: MirrorRow, last: MirrorRow | null): void {
    // A statement that lands so late updates no row.
    if (this.#isErased) return
    const { row: before } = this
    const isNewer = before !== null && before.version > row.version
    if (isNewer) return
    const named = Object.fromEntries(changedColumns(row, last))
    this.row = before ? { ...before, ...named } : { ...row, archived: false }
    this.#world.watch.listWritten(before, this.row, row)
    this.#planSweep()
  }

  /** The row stays due until the actor has erased its storage. */
  archive(): void {
    if (this.row) this.row = { ...this.row, archived: true, due_at: this.#world.wall }
    this.#planSweep()
  }

  /** The row of a deleted job: in no list, and due until the last erase. */
  hide(version: number, until: number): void {
    if (!this.row || this.row.version > version) return
    this.row = { ...this.row, status: 'deleting', version, due_at: until }
    this.#planSweep()
  }

  /** The actor is empty. */
  settle(): void {
    if (this.row?.status === 'deleting') {
      this.#isErased = true
      this.row = null
    } else if (this.row?.archived) this.row = { ...this.row, due_at: null }
  }

  /** The sweep searches every few minutes for overdue rows. */
  #planSweep(): void {
    const { clock } = this.#world
    const dueAt = this.row?.due_at ?? null
    if (dueAt === null) return
    const at = Math.max(clock.now, dueAt - this.#world.skewMs) + SWEEP_AFTER_MS
    if (this.#sweepAt !== null && this.#sweepAt <= at && this.#sweepAt > clock.now) return
    this.#sweepAt = at
    clock.at(at, () => this.#sweep(at))
  }

  #sweep(at: number): void {
    if (this.#sweepAt !== at) return
    this.#sweepAt = null
    const { row } = this
    if (!row || row.due_at === null) return
    const overdue = row.due_at + SWEEP_AFTER_MS <= this.#world.wall
    if (overdue && !this.#world.outageOf('d1')) {
      this.#world.note('sweep: the row is overdue')
      void this.#world.actor.revive().then((held) => held === false && this.settle())
    }
    this.#planSweep()
  }
}

const SWEEP_AFTER_MS = 5 * 60_000
