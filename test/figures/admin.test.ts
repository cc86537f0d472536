/**
 * The duration of the inspector's slow parts: measured, printed, and compared with documented limits. Times depend on
 * the machine, so these are not part of the tests: `npm run test:figures`.
 */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { LogQuery } from '../../actors/export-job/store.ts'
import { statsOf } from '../../src/d1/stats.ts'
import { MAX_ENDED } from '../../src/d1/stats-query.ts'
import { TROUBLE_TYPES } from '../../wire/log-types.ts'
import { aCreatedJob } from '../support/workerd/actors.ts'
import { T0, useFarFutureClock } from '../support/workerd/clock.ts'
import { insertEndedJobs } from '../support/workerd/ended-jobs.ts'
import { bindings } from '../support/workerd/http.ts'

useFarFutureClock()

const ROUNDS = 15

/** Milliseconds of each round, ascending. */
async function times(act: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const started = performance.now()
    await act()
    taken.push(performance.now() - started)
  }
  return taken.sort((a, b) => a - b)
}

function told(what: string, taken: number[]): number {
  const median = taken[Math.floor(taken.length / 2)] ?? Number.NaN
  console.log(
    `${what}: median ${median.toFixed(1)} ms, worst ${taken.at(-1)?.toFixed(1)} ms of ${taken.length}`,
  )
  return median
}

describe('with 200,000 ended jobs', () => {
  it('the figures of a day that holds more than are looked at take under 100 ms', async () => {
    await insertEndedJobs(200_000, T0, 432)
    const taken = await times(async () => {
      const stats = await statsOf(bindings(), 86_400_000, () => null, T0)
      expect(stats.ended).toMatchObject({ jobs: MAX_ENDED, cut: true })
    })
    expect(told('stats over 200,000 rows', taken)).toBeLessThan(100)
  })
})

describe('with 5,000 events', () => {
  it.each<[string, LogQuery]>([
    ['the newest 1,000', { after: null, before: null, limit: 1_000, types: null }],
    ['the first 1,000', { after: 0, before: null, limit: 1_000, types: null }],
    ['errors only', { after: null, before: null, limit: 1_000, types: TROUBLE_TYPES }],
  ])('a page of the log (%s) takes under 50 ms in the actor', async (name, query) => {
    const handle = await aCreatedJob()
    await runInDurableObject(handle.stub, (_instance, { storage }) => {
      storage.sql.exec(
        `INSERT INTO events (seq, at, type, round, attempt, data)
         WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
         SELECT i, ?, CASE WHEN i % 10 = 0 THEN 'attempt_failed' ELSE 'stage' END, 1, 1,
           '{"stage":"rendering","message":"frame of many"}' FROM n`,
        T0,
      )
    })
    await handle.evict()
    const taken = await times(() =>
      runInDurableObject(env.EXPORT_JOB.getByName(handle.id), (instance) => instance.inspect(query)),
    )
    expect(told(`log page, ${name}`, taken)).toBeLessThan(50)
  })
})
