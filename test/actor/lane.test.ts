/** The lane's actor: what it stores, and that it continues after an eviction. The rules are tested in `test/lane`. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { Lane } from '../../actors/lane/lane.ts'
import type { Ask } from '../../actors/lane/state.ts'
import { HOUR, MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

/** The settings of the tests name `default` alone, without a limit; a lane of any other name grants nothing. */
const UNLIMITED = 'default'

function ask(jobId: string = crypto.randomUUID(), more: Partial<Ask> = {}): Ask {
  const until = Date.now() + HOUR
  return { jobId, round: 1, dispatch: 1, version: 2, projectId: 1, priority: 0, until, ...more }
}

type Stub = DurableObjectStub<Lane>
const laneOf = (name: string): Stub => env.LANE.getByName(name)

/** The number of rows that the calls write, according to the storage. */
async function rowsWritten(lane: Stub, act: () => Promise<unknown>): Promise<number> {
  const count = () =>
    runInDurableObject(lane, (_, { storage }) => {
      const tables = storage.sql
        .exec<{ name: string }>(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
        )
        .toArray()
      return tables.flatMap(({ name }) => storage.sql.exec(`SELECT * FROM ${name}`).toArray()).length
    })
  const before = await count()
  await act()
  return (await count()) - before
}

describe('A lane without a limit', () => {
  it('grants from memory, and writes nothing', async () => {
    const lane = laneOf(UNLIMITED)
    const asked = ask()
    const rows = await rowsWritten(lane, async () => {
      expect(await lane.ask(asked)).toEqual({ kind: 'granted', tellOutcome: false })
      await lane.outcome(asked, { kind: 'took' })
      await lane.release(asked, 3)
    })
    expect(rows).toBe(0)
  })

  it('sends nobody while RunPod refuses, also after an eviction, then one job that tries', async () => {
    const lane = laneOf(UNLIMITED)
    const first = ask()
    await lane.ask(first)
    const refusal = { cause: 'deployment', status: 401, detail: 'bad key', retryAfterMs: null } as const
    await lane.outcome(first, { kind: 'refused', ...refusal })
    await evictDurableObject(lane)
    const [second, third] = [ask(), ask()]
    expect(await lane.ask(second)).toMatchObject({ kind: 'waiting', ahead: 0, reason: { kind: 'refused' } })
    pass(SECOND)
    expect(await lane.ask(third)).toMatchObject({ kind: 'waiting', ahead: 1 })
    await evictDurableObject(lane)
    pass(MINUTE + SECOND)
    expect(await lane.ask(second)).toEqual({ kind: 'granted', tellOutcome: true })
    expect(await lane.ask(third)).toMatchObject({ kind: 'waiting' })
    await lane.outcome(second, { kind: 'took' })
    expect(await lane.ask(third)).toMatchObject({ kind: 'granted' })
    expect(await lane.inspect()).toMatchObject({ places: null, breaker: null, waiting: 0 })
  })

  it('is paused until it is resumed, also after an eviction', async () => {
    const lane = laneOf(UNLIMITED)
    await lane.pause({ by: 'ann@example.com', reason: 'planned maintenance' })
    await evictDurableObject(lane)
    const asked = ask()
    expect(await lane.ask(asked)).toMatchObject({
      kind: 'waiting',
      reason: { kind: 'paused', pause: { by: 'ann@example.com', reason: 'planned maintenance' } },
    })
    expect(await lane.resume({ by: 'ann@example.com', reason: 'done' })).toMatchObject({ pause: null })
    expect(await lane.ask(asked)).toMatchObject({ kind: 'granted' })
  })
})

describe('A lane whose endpoint has left the settings', () => {
  it('lends nothing, and keeps who waits until their time is over', async () => {
    const lane = laneOf('left')
    const asked = ask(undefined, { until: Date.now() + 10 * MINUTE })
    expect(await lane.ask(asked)).toMatchObject({ kind: 'waiting', reason: { kind: 'places' } })
    await evictDurableObject(lane)
    expect(await lane.inspect()).toMatchObject({ places: 0, waiting: 1 })
    pass(11 * MINUTE)
    expect(await runDurableObjectAlarm(lane)).toBe(true)
    expect(await lane.inspect()).toMatchObject({ waiting: 0 })
  })

  it('refuses an ask that is not newer than the release of its place', async () => {
    const lane = laneOf('left')
    const asked = ask()
    await lane.release(asked, 5)
    expect(await lane.ask({ ...asked, version: 5 })).toEqual({ kind: 'stale' })
    expect(await lane.ask({ ...asked, version: 6 })).toMatchObject({ kind: 'waiting' })
  })

  it('knows a job created again under the id of a deleted one, whatever version that had', async () => {
    const lane = laneOf('left')
    const asked = ask()
    await lane.release(asked, 300)
    pass(2 * MINUTE)
    expect(await lane.ask({ ...asked, version: 2 })).toMatchObject({ kind: 'waiting' })
  })
})

it('An alarm that the platform lost is set again by the next call', async () => {
  const lane = laneOf('left')
  await lane.ask(ask())
  await runInDurableObject(lane, (_, { storage }) => storage.deleteAlarm())
  pass(2 * HOUR)
  const until = Date.now() + HOUR
  await lane.ask(ask(undefined, { until }))
  expect(await runInDurableObject(lane, (_, { storage }) => storage.getAlarm())).toBe(until)
})
