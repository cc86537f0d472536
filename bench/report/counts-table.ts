/** The cost of one job in two tables: exact counts, and dollars per million jobs. */
import { type Costs, costsOf, secondsAwake, sumOf } from '../cost.ts'
import type { CountedJob } from '../measures/counts.ts'
import { grid, number } from './table.ts'

const NAMES = { exportal: 'Exportal', plain: 'plain design' } as const

/** Columns of the table of counts: title and counter. */
const COLUMNS: [string, string][] = [
  ['Worker requests', 'workerRequests'],
  ['actor requests', 'actorRequests'],
  ['of these RPC', 'rpcCalls'],
  ['messages', 'messagesReceived'],
  ['actor rows written', 'actorRowsWritten'],
  ['read', 'actorRowsRead'],
  ['alarms set', 'alarmsSet'],
  ['fired', 'alarmsFired'],
  ['D1 rows written', 'd1RowsWritten'],
  ['read', 'd1RowsRead'],
  ['R2 class A', 'r2ClassA'],
  ['class B', 'r2ClassB'],
  ['subrequests', 'subrequests'],
  ['bytes to sockets', 'socketBytes'],
]

/** From the first request to the end. */
export function countsTable(jobs: readonly CountedJob[]): string {
  const head = [...caseHead(), ...COLUMNS.map(([title]) => title), 'seconds awake']
  const body = jobs.map((job) => [
    ...caseCells(job),
    ...COLUMNS.map(([, counter]) => String(job.toEnd[counter] ?? 0)),
    secondsAwake(job, job.toEnd).toFixed(2),
  ])
  return grid([head, ...body])
}

/** Until the actor was retired. */
export function costTable(jobs: readonly CountedJob[]): string {
  const costs = jobs.map(costsOf)
  const items = Object.keys(costs[0] ?? {})
  const head = [...caseHead(), ...items, 'in all']
  const body = jobs.map((job, nth) => {
    const each: Costs = costs[nth] ?? {}
    return [...caseCells(job), ...items.map((item) => dollars(each[item] ?? 0)), dollars(sumOf(each))]
  })
  return grid([head, ...body])
}

function caseHead(): string[] {
  return ['who', 'watchers', 'reports', 'attempts']
}

function caseCells(job: CountedJob): string[] {
  return [nameOf(job), String(job.watchers), String(job.reports), String(job.attempts)]
}

const LANES = { none: 'without lanes', limited: 'limited lane' } as const

function nameOf({ name, line, over = {} }: CountedJob): string {
  const parts = [
    line && 'line',
    over.lane && LANES[over.lane],
    over.waits && 'waits an hour',
    over.poster && 'poster: everything on',
  ]
  return [NAMES[name], ...parts.filter((part) => part)].join(', ')
}

function dollars(amount: number): string {
  return `$${amount < 1 ? number(amount) : amount.toFixed(amount < 10 ? 1 : 0)}`
}
