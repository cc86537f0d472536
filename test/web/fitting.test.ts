import { expect, test } from 'vitest'
import type { ListedJob } from '../../client/index.ts'
import { fittingOf, MOST } from '../../web/src/admin/all/fitting.ts'
import type { Search } from '../../web/src/admin/calls.ts'
import type { AnyJob } from '../../web/src/ui/use-pages.ts'

const ANY: Search = { id: '', status: '', code: '', project: '', from: '', until: '' }
const CANCEL = { statuses: ['pending', 'processing'], fits: ({ archived }: AnyJob) => !archived }

/** A service with so many jobs of each status, in pages of 100. */
function serviceWith(counts: Partial<Record<ListedJob['status'], number>>, asked: string[] = []) {
  return async ({ status }: Search, cursor: string | null) => {
    asked.push(status)
    const from = Number(cursor ?? 0)
    const all = Object.entries(counts).find(([name]) => name === status)?.[1] ?? 0
    const until = Math.min(all, from + 100)
    const jobs = Array.from(
      { length: until - from },
      (_, nth) => ({ id: `${status}-${from + nth}`, status }) as ListedJob,
    )
    return { jobs, next_cursor: until < all ? String(until) : null }
  }
}

test('what an action can be done to is found behind any number of newer jobs that it does not fit', async () => {
  const { jobs, cut } = await fittingOf(
    serviceWith({ complete: 9_000, pending: 3, processing: 4 }),
    ANY,
    CANCEL,
  )
  expect([jobs.length, cut]).toEqual([7, false])
})

test('a search for one status asks for that one alone, and for none that the action does not fit', async () => {
  const asked: string[] = []
  const service = serviceWith({ pending: 3, processing: 4, complete: 5 }, asked)
  expect((await fittingOf(service, { ...ANY, status: 'processing' }, CANCEL)).jobs).toHaveLength(4)
  expect(await fittingOf(service, { ...ANY, status: 'complete' }, CANCEL)).toEqual({ jobs: [], cut: false })
  expect(asked).toEqual(['processing'])
})

test('of more than can be done at once so many are taken, and that is said', async () => {
  for (const counts of [
    { pending: MOST + 1 },
    { pending: MOST - 1, processing: 2 },
    { pending: MOST, processing: 1 },
  ]) {
    const { jobs, cut } = await fittingOf(serviceWith(counts), ANY, CANCEL)
    expect([jobs.length, cut]).toEqual([MOST, true])
  }
  const exactly = await fittingOf(serviceWith({ pending: MOST }), ANY, { ...CANCEL, statuses: ['pending'] })
  expect([exactly.jobs.length, exactly.cut]).toEqual([MOST, false])
})
