import { expect, test } from 'vitest'
import { EMPTY_LANE, keyOf, type Waiter } from '../../actors/lane/state.ts'
import { viewOf } from '../../actors/lane/view.ts'

const NOW = Date.parse('2026-01-01T10:00:00Z')
const MANY = 1_500

/** Each of its own project; the last one has waited longest. */
const asks = Array.from({ length: MANY }, (_, i): [string, Waiter] => {
  const ref = { jobId: `job-${i}`, round: 1, dispatch: 1 }
  const since = NOW - i * 1_000
  const ask = { ...ref, version: 1, projectId: i + 1, priority: 0, until: NOW + 3_600_000 }
  return [keyOf(ref), { ...ask, since, offeredAt: null, passedOver: false, calledAt: null }]
})

test('what is listed is bounded, and the counts are of all', () => {
  const places = asks.map(([key, ask]) => [key, { ...ask, grantedAt: ask.since, checkedAt: null }] as const)
  const view = viewOf(
    'default',
    { ...EMPTY_LANE, places: new Map(places), waiters: new Map(asks) },
    2_000,
    NOW,
  )
  expect([view.holders.length, view.taken]).toEqual([1_000, MANY])
  expect([view.projects.length, view.waiting]).toEqual([1_000, MANY])
  expect(view.holders[0]?.job_id).toBe(`job-${MANY - 1}`)
  expect(view.oldest_since).toBe(new Date(NOW - (MANY - 1) * 1_000).toISOString())
  expect(viewOf('default', EMPTY_LANE, 2_000, NOW)).toMatchObject({ taken: 0, oldest_since: null })
})
