import { expect, test } from 'vitest'
import { placesOf } from '../../web/src/admin/lanes/words.ts'
import type { LaneJson } from '../../wire/admin.ts'

const NOW = Date.parse('2026-01-01T10:00:00Z')
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString()
const holder = (job_id: string) => ({ job_id, round: 1, attempt: 1, project_id: 7, since: at(-60) })
const lane: LaneJson = {
  name: 'default',
  places: 3,
  taken: 1,
  holders: [holder('a')],
  waiting: 0,
  oldest_since: null,
  projects: [],
  stopped: null,
  breaker: null,
  outages: [],
  pause: null,
}

test('there is a cell for each place, and one more for each that exceeds them', () => {
  expect(placesOf(lane).map(({ holder }) => holder?.job_id ?? null)).toEqual(['a', null, null])
  const over = placesOf({ ...lane, places: 1, taken: 2, holders: [holder('a'), holder('b')] })
  expect(over.map(({ holder }) => holder?.job_id)).toEqual(['a', 'b'])
  expect(placesOf({ ...lane, places: null })).toHaveLength(1)
  expect(placesOf({ ...lane, places: 100_000, taken: 1_500 })).toHaveLength(201)
})
