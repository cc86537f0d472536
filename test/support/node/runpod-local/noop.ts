import { expect } from 'vitest'
import { eventually, type Json, type Local, startLocal } from './local.ts'
import { type FakeService, fakeService } from './service.ts'

type Options = Parameters<typeof startLocal>[0]

/** An endpoint with the noop worker, and the service it reports to. */
export async function setUp(faults: unknown, options: Options = {}) {
  const service = await fakeService()
  const local = await startLocal({ worker: 'noop', noopReports: 4, noopIntervalMs: 5, faults, ...options })
  const run = (more: Json = {}) =>
    local.post('/run', { input: service.input('overlay', {}, more), webhook: `${service.url}/hook` })
  return { service, local, run }
}

/** The one job of the test, as /jobs shows it. */
export const onlyJob = async (local: Local): Promise<Json> => (await local.jobs())[0] ?? {}
/** Resolves with it once it has this status and its worker has ended. */
export const ended = (local: Local, status: string) =>
  eventually(async () => {
    expect(await onlyJob(local)).toMatchObject({ status, worker_running: false })
    return onlyJob(local)
  })
/** The kinds of reports received. */
export const kinds = (service: FakeService) => [...new Set(service.reports.map(({ kind }) => kind))].sort()
