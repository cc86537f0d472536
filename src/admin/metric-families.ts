/** The metrics for scrapers: every family with its name, its labels and its meaning. */
import { OPEN_STATUSES } from '../../actors/export-job/core/phase.ts'
import { D1_LIMIT_BYTES } from '../../actors/shared/d1-size.ts'
import type { LaneFigures } from '../../wire/admin.ts'
import { figuresOf, type SeenLanes } from './lane-figures.ts'
import type { Family, Sample } from './metric-text.ts'

/** A row of `job_counters`: totals since the list was created, by the outcome of the round. */
export interface CounterRow {
  /** `complete`, `error` or `cancelled`; `open` for a job in a new round, `deleted` for a deleted one. */
  status: string
  type: string
  /** Empty when there is no error. */
  code: string
  ended: number
  attempts: number
  webhooks_taken: number
  webhooks_failed: number
  gpu_seconds: number
  wasted_seconds: number
}

/** Current state of the list. Counts stop at 20,000. */
export interface ListGauges {
  /** Unfinished jobs, by status. */
  active: { status: string; jobs: number }[]
  /** When the oldest job that waits in its first round was created, in milliseconds; null when none waits. */
  oldestWaitingAt: number | null
  /** Rows whose next change was due so long ago that the sweep repairs them. */
  overdue: number
  /** Webhook messages with at least one failed delivery that will be retried. */
  webhooksOwed: number
  /** Size of the database. */
  bytes: number
}

/** @param now milliseconds */
export function gaugesOf(gauges: ListGauges, now: number): Family[] {
  const { active, oldestWaitingAt, overdue, webhooksOwed, bytes } = gauges
  const jobs = new Map(active.map(({ status, jobs: many }) => [status, many]))
  const waited = oldestWaitingAt === null ? 0 : Math.max(0, now - oldestWaitingAt) / 1000
  return [
    {
      name: 'exportal_jobs',
      type: 'gauge',
      help: 'Unfinished jobs by status, 20000 at most.',
      samples: OPEN_STATUSES.map((status) => ({ labels: { status }, value: jobs.get(status) ?? 0 })),
    },
    {
      name: 'exportal_oldest_waiting_seconds',
      type: 'gauge',
      unit: 'seconds',
      help: 'Age of the oldest job that is pending or queued in its first round.',
      samples: [{ labels: {}, value: waited }],
    },
    {
      name: 'exportal_rows_overdue',
      type: 'gauge',
      help: 'Rows of the list that should have changed more than five minutes ago.',
      samples: [{ labels: {}, value: overdue }],
    },
    {
      name: 'exportal_webhooks_owed',
      type: 'gauge',
      help: 'Webhook messages that were tried, not taken, and are tried again.',
      samples: [{ labels: {}, value: webhooksOwed }],
    },
    {
      name: 'exportal_database_size_bytes',
      type: 'gauge',
      unit: 'bytes',
      help: 'Size of the D1 database.',
      samples: [{ labels: {}, value: bytes }],
    },
    {
      name: 'exportal_database_limit_bytes',
      type: 'gauge',
      unit: 'bytes',
      help: 'Size that the D1 database may have.',
      samples: [{ labels: {}, value: D1_LIMIT_BYTES }],
    },
  ]
}

/** @param now milliseconds */
export function lanesOf({ lanes, unreachable }: SeenLanes, now: number): Family[] {
  const figures = lanes.map((lane) => figuresOf(lane, now))
  const byLane = (figure: (lane: LaneFigures) => number): Sample[] =>
    figures.map((lane) => ({ labels: { lane: lane.name }, value: figure(lane) }))
  return [
    {
      name: 'exportal_lane_up',
      type: 'gauge',
      help: 'Whether the lane of an endpoint answered: jobs go without it meanwhile.',
      samples: [...byLane(() => 1), ...unreachable.map((lane): Sample => ({ labels: { lane }, value: 0 }))],
    },
    {
      name: 'exportal_lane_waiting',
      type: 'gauge',
      help: 'Jobs that wait for a place at an endpoint, or for an endpoint that takes none.',
      samples: byLane(({ waiting }) => waiting),
    },
    {
      name: 'exportal_lane_oldest_waiting_seconds',
      type: 'gauge',
      unit: 'seconds',
      help: 'How long the first of them has waited.',
      samples: byLane((lane) => lane.oldest_waiting_seconds),
    },
    {
      name: 'exportal_lane_places',
      type: 'gauge',
      help: 'Places of an endpoint that has a limit, taken and free.',
      samples: figures.flatMap(({ name: lane, taken, free }) =>
        free === null
          ? []
          : [
              { labels: { lane, state: 'taken' }, value: taken },
              { labels: { lane, state: 'free' }, value: free },
            ],
      ),
    },
    {
      name: 'exportal_lane_refused',
      type: 'gauge',
      help: 'Whether RunPod refuses jobs, so that none is sent but one to try.',
      samples: byLane(({ breaker }) => (breaker === 'closed' ? 0 : 1)),
    },
    {
      name: 'exportal_lane_paused',
      type: 'gauge',
      help: 'Whether an operator has paused the lane.',
      samples: byLane(({ paused }) => (paused ? 1 : 0)),
    },
  ]
}

export function countersOf(rows: readonly CounterRow[]): Family[] {
  const byOutcome = (figure: (row: CounterRow) => number): Sample[] =>
    rows.map((row) => {
      const { status, type, code } = row
      return { labels: { status, type, code }, value: figure(row) }
    })
  return [
    {
      name: 'exportal_jobs_ended',
      type: 'counter',
      help: 'Ends of jobs by outcome, one for each round.',
      samples: byOutcome(({ ended }) => ended),
    },
    {
      name: 'exportal_attempts',
      type: 'counter',
      help: 'Attempts of rounds that ended, by the outcome of the round.',
      samples: byOutcome(({ attempts }) => attempts),
    },
    {
      name: 'exportal_gpu_seconds',
      type: 'counter',
      unit: 'seconds',
      help: 'Seconds on GPUs, by the outcome of the round.',
      samples: byOutcome((row) => row.gpu_seconds),
    },
    {
      name: 'exportal_gpu_wasted_seconds',
      type: 'counter',
      unit: 'seconds',
      help: 'Seconds on GPUs that bought no result.',
      samples: byOutcome((row) => row.wasted_seconds),
    },
    {
      name: 'exportal_webhook_tries',
      type: 'counter',
      help: 'Tries of webhook messages by how they ended.',
      samples: webhookTries(rows),
    },
  ]
}

function webhookTries(rows: readonly CounterRow[]): Sample[] {
  const sum = (figure: (row: CounterRow) => number) => rows.reduce((total, row) => total + figure(row), 0)
  return [
    { labels: { outcome: 'taken' }, value: sum((row) => row.webhooks_taken) },
    { labels: { outcome: 'failed' }, value: sum((row) => row.webhooks_failed) },
  ]
}
