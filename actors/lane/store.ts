/**
 * The lane's own storage: rows for places, waiters and turns, and one for breaker and pause. Only differences are
 * written: a place lent and returned while no job waits is two rows, and a lane without a limit writes nothing until
 * RunPod refuses a job. Nothing is created before the first write.
 */
import type { Draft } from './rules.ts'
import type { Sheet } from './sheet.ts'
import { type Ask, EMPTY_LANE, type Lane, type Place, type Waiter } from './state.ts'

/** The version that this code writes; a later one adds tables or columns in `load`. */
export const LANE_SCHEMA = 1

const TABLES = [
  'CREATE TABLE lane (id INTEGER PRIMARY KEY CHECK (id = 1), schema INTEGER NOT NULL, state TEXT NOT NULL)',
  'CREATE TABLE places (key TEXT PRIMARY KEY, ask TEXT NOT NULL, granted_at INTEGER NOT NULL) WITHOUT ROWID',
  'CREATE TABLE waiters (key TEXT PRIMARY KEY, ask TEXT NOT NULL, since INTEGER NOT NULL, passed_over INTEGER NOT NULL) WITHOUT ROWID',
  'CREATE TABLE turns (project_id INTEGER PRIMARY KEY, turn INTEGER NOT NULL)',
]

/**
 * The state other than places, waiters and turns. `ambiguous` is absent in lanes of an earlier version; it is stored
 * because an idle lane leaves memory within seconds, and an unclear answer is weighed only after a minute.
 */
type Rest = Pick<Lane, 'breaker' | 'outages' | 'ambiguous' | 'pause'> & {
  /** A hash of the endpoint's address and key: a change of either closes the breaker. */
  readonly target: string
}

export class LaneStore {
  readonly #storage: DurableObjectStorage
  #created = false
  #target = ''

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** The hash of the endpoint at the last write; empty before the first. */
  get target(): string {
    return this.#target
  }

  /** @throws Error when storage was written by a newer version of the code: it must not be touched */
  load(): Lane {
    const { sql } = this.#storage
    const found = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'lane'").toArray()
    if (found.length === 0) return EMPTY_LANE
    this.#created = true
    const row = sql.exec<{ schema: number; state: string }>('SELECT schema, state FROM lane').one()
    if (row.schema > LANE_SCHEMA) {
      throw new Error(`Storage has schema ${row.schema}; this version knows ${LANE_SCHEMA}.`)
    }
    const { target, ...rest }: Rest = JSON.parse(row.state)
    this.#target = target
    const places = sql.exec<{ key: string; ask: string; granted_at: number }>('SELECT * FROM places')
    const waiters = sql.exec<{ key: string; ask: string; since: number; passed_over: number }>(
      'SELECT * FROM waiters',
    )
    const turns = sql.exec<{ project_id: number; turn: number }>('SELECT * FROM turns')
    return {
      ...EMPTY_LANE,
      ...rest,
      places: new Map(
        [...places].map(({ key, ask, granted_at: grantedAt }) => [
          key,
          { ...askOf(ask), grantedAt, checkedAt: null },
        ]),
      ),
      waiters: new Map(
        [...waiters].map(({ key, ask, since, passed_over: passedOver }) => [
          key,
          { offeredAt: null, ...askOf(ask), since, passedOver: passedOver === 1, calledAt: null },
        ]),
      ),
      turns: new Map([...turns].map(({ project_id: projectId, turn }) => [projectId, turn])),
    }
  }

  /** Writes what the decision changed, atomically. */
  commit(before: Lane, draft: Draft, target: string): void {
    const statements = changesOf(before, draft)
    const { breaker, outages, ambiguous, pause } = draft.lane
    const isSame =
      breaker === before.breaker &&
      pause === before.pause &&
      outages === before.outages &&
      ambiguous === before.ambiguous &&
      (target === this.#target || !this.#created)
    if (statements.length === 0 && isSame) return
    const { sql } = this.#storage
    this.#storage.transactionSync(() => {
      if (!this.#created) for (const table of TABLES) sql.exec(table)
      if (!this.#created || !isSame) {
        const rest: Rest = { breaker, outages, ambiguous, pause, target }
        sql.exec('INSERT OR REPLACE INTO lane VALUES (1, ?, ?)', LANE_SCHEMA, JSON.stringify(rest))
      }
      for (const [statement, ...values] of statements) sql.exec(statement, ...values)
    })
    this.#created = true
    this.#target = target
  }
}

type Statement = readonly [sql: string, ...values: (string | number)[]]

function changesOf(before: Lane, { places, waiters, turns }: Draft): Statement[] {
  return [
    ...differences(before.places, places, samePlace, {
      put: (key, place) => [
        'INSERT OR REPLACE INTO places VALUES (?, ?, ?)',
        key,
        textOf(place),
        place.grantedAt,
      ],
      remove: (key) => ['DELETE FROM places WHERE key = ?', key],
    }),
    ...differences(before.waiters, waiters, sameWaiter, {
      put: (key, waiter) => [
        'INSERT OR REPLACE INTO waiters VALUES (?, ?, ?, ?)',
        key,
        textOf(waiter),
        waiter.since,
        waiter.passedOver ? 1 : 0,
      ],
      remove: (key) => ['DELETE FROM waiters WHERE key = ?', key],
    }),
    ...differences(before.turns, turns, (a, b) => a === b, {
      put: (projectId, turn) => ['INSERT OR REPLACE INTO turns VALUES (?, ?)', projectId, turn],
      remove: (projectId) => ['DELETE FROM turns WHERE project_id = ?', projectId],
    }),
  ]
}

function differences<K, V>(
  before: ReadonlyMap<K, V>,
  after: Sheet<K, V>,
  same: (a: V, b: V) => boolean,
  write: { put: (key: K, value: V) => Statement; remove: (key: K) => Statement },
): Statement[] {
  return [...after.changed].flatMap((key) => {
    const [known, value] = [before.get(key), after.map.get(key)]
    if (value === undefined) return known === undefined ? [] : [write.remove(key)]
    return known !== undefined && same(known, value) ? [] : [write.put(key, value)]
  })
}

/** Ignores what is in memory only: after an eviction the job is queried about its place once more. */
function samePlace(a: Place, b: Place): boolean {
  return a === b || (a.version === b.version && a.grantedAt === b.grantedAt && a.until === b.until)
}

/** Ignores what is in memory only: after an eviction a job that was passed over is called once more. */
function sameWaiter(a: Waiter, b: Waiter): boolean {
  if (a === b) return true
  return (
    a.passedOver === b.passedOver &&
    a.offeredAt === b.offeredAt &&
    a.version === b.version &&
    a.priority === b.priority &&
    a.until === b.until
  )
}

/**
 * `offeredAt` is absent without an offer, and in lanes of an earlier version. An idle lane leaves memory before an offer
 * ends: without it, the place would be offered to the same job again and again, though it never asks.
 */
type StoredAsk = Ask & Partial<Pick<Waiter, 'offeredAt'>>

function textOf(asked: StoredAsk): string {
  const { jobId, round, dispatch, version, projectId, priority, until, offeredAt = null } = asked
  const ask: Ask = { jobId, round, dispatch, version, projectId, priority, until }
  return JSON.stringify({ ...ask, ...(offeredAt !== null && { offeredAt }) } satisfies StoredAsk)
}

function askOf(text: string): StoredAsk {
  const ask: StoredAsk = JSON.parse(text)
  return ask
}
