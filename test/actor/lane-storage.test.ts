/** Storage of an earlier version of a lane is read; storage of a later one is not touched. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { iso } from '../../actors/export-job/core/iso.ts'
import { LANE_SCHEMA, LaneStore } from '../../actors/lane/store.ts'
import { HOUR, useFarFutureClock } from '../support/workerd/clock.ts'
import { dump, restore, type Stored } from '../support/workerd/stored.ts'

useFarFutureClock()

type StoredLane = Omit<Stored, 'id' | 'status'>
const STORED = Object.entries(
  import.meta.glob<StoredLane>('./stored/lanes/*.json', { eager: true, import: 'default' }),
)

async function asleep(stored: StoredLane) {
  vi.setSystemTime(stored.savedAt)
  const stub = env.LANE.getByName(crypto.randomUUID())
  await restore({ stub }, stored)
  return stub
}

describe('Storage of an earlier version of a lane', () => {
  it('is kept for every version there was', () => {
    const versions = STORED.map(([, { schema }]) => schema)
    for (let schema = 1; schema <= LANE_SCHEMA; schema++) expect(versions).toContain(schema)
  })

  it.each(STORED)('%s is taken up, with all who hold a place or wait', async (_, stored) => {
    const lane = await asleep(stored)
    expect(await lane.inspect()).toMatchObject({
      holders: [{ round: 1, attempt: 1, project_id: 1, since: iso(stored.savedAt - 120_000) }],
      waiting: 2,
      projects: [
        { project_id: 1, waiting: 1, oldest_since: iso(stored.savedAt - 90_000) },
        { project_id: 2, waiting: 1, oldest_since: iso(stored.savedAt - 80_000) },
      ],
      breaker: { strikes: 2, status: 401 },
      outages: [{ strikes: 3, status: 503 }],
      pause: { by: 'ann@example.com', reason: 'planned maintenance' },
    })
  })
})

it('Storage of a later version of a lane is refused untouched', async () => {
  const [, stored] = STORED[0] ?? []
  if (!stored) throw new Error('There is no stored lane to try it with.')
  const lane = await asleep(stored)
  await runInDurableObject(lane, (_, { storage }) => {
    storage.sql.exec('UPDATE lane SET schema = ?', LANE_SCHEMA + 1)
    expect(() => new LaneStore(storage).load()).toThrow(`Storage has schema ${LANE_SCHEMA + 1}`)
    storage.sql.exec('UPDATE lane SET schema = ?', LANE_SCHEMA)
  })
})

it('What a new lane stores is what the newest kept version stored', async () => {
  const stub = env.LANE.getByName(crypto.randomUUID())
  const until = Date.now() + HOUR
  await stub.ask({ jobId: 'a', round: 1, dispatch: 1, version: 1, projectId: 1, priority: 0, until })
  const newest = STORED.find(([, { schema }]) => schema === LANE_SCHEMA)?.[1]
  const tables = (all: Stored['tables'] | undefined) => all?.map(({ name, sql }) => [name, sql])
  expect(tables(await dump({ stub }))).toEqual(tables(newest?.tables))
})
