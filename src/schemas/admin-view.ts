/** What operators are answered. */
import * as v from 'valibot'
import type * as wire from '../../wire/admin.ts'
import { Instant } from './common.ts'
import { describing } from './describing.ts'
import { Failure, Job, JobEvent, JobSummary } from './job-view.ts'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const amount = v.pipe(v.number(), v.minValue(0))
const maybeInstant = v.nullable(Instant)
const maybeAmount = v.nullable(amount)
const owed = { tries: count, next_try_at: Instant }

/** A cause and the next step: one sentence. */
export const Finding = describing<wire.Finding>()(
  v.object({
    code: v.string(),
    cause: v.string(),
    next: v.nullable(v.object({ what: v.string(), at: Instant })),
  }),
)

export const InspectedAttempt = describing<wire.InspectedAttempt>()(
  v.object({
    round: count,
    attempt: count,
    runpod_job_id: v.nullable(v.string()),
    output_video_key: v.string(),
    dispatched_at: Instant,
    queued_at: maybeInstant,
    started_at: maybeInstant,
    ended_at: maybeInstant,
    remote: v.picklist(['unknown', 'live', 'ended']),
    remote_ended_at: maybeInstant,
    outcome: v.picklist(['open', 'won', 'failed', 'closed']),
    failure: v.nullable(Failure),
    done_by: v.nullable(v.string()),
    cancel: v.nullable(
      v.object({
        asked_at: Instant,
        tries: count,
        next_try_at: maybeInstant,
        confirmed_at: maybeInstant,
      }),
    ),
    delay_seconds: maybeAmount,
    execution_seconds: maybeAmount,
    worker_id: v.nullable(v.string()),
    gpu_seconds: amount,
    estimated: v.boolean(),
    cost: maybeAmount,
    wasted: v.boolean(),
    late_reports: count,
  }),
)

/** The actor opened up. */
export const InspectedActor = describing<wire.InspectedActor>()(
  v.object({
    status: v.string(),
    step: v.nullable(v.string()),
    round_started_at: Instant,
    saved_at: Instant,
    findings: v.array(Finding),
    findings_until: maybeInstant,
    clocks: v.array(v.object({ name: v.string(), what: v.string(), at: Instant })),
    wake_at: maybeInstant,
    alarm_at: maybeInstant,
    deadline: v.object({ at: Instant, extended: v.boolean() }),
    policy: v.record(v.string(), v.number()),
    webhook: v.nullable(v.object({ url: v.string(), events: v.array(v.string()) })),
    attempts: v.array(InspectedAttempt),
    outbox: v.object({
      mirror: v.nullable(v.object({ ...owed, version: count })),
      mirrored_at: maybeInstant,
      sweep: v.nullable(v.object({ ...owed, last: v.boolean() })),
      archive: v.nullable(v.object(owed)),
      webhooks: v.array(v.object({ ...owed, id: v.string(), event: v.string() })),
      webhooks_settled: v.array(v.object({ id: v.string(), event: v.string(), at: Instant })),
      webhooks_refused: v.boolean(),
    }),
    webhook_answers: v.array(
      v.object({
        id: v.string(),
        at: Instant,
        status: v.nullable(v.number()),
        detail: v.nullable(v.string()),
      }),
    ),
    sockets: v.object({
      count,
      list: v.array(v.object({ since: Instant, last_seq: count })),
    }),
    storage: v.object({ rows: count, bytes: count }),
    wakes: count,
    instances: count,
    breaker: v.object({ level: amount, tripped: v.boolean(), strikes: count }),
  }),
)

const cell = v.nullable(v.union([v.string(), v.number()]))

/** GET /api/admin/jobs/:id. */
export const InspectedJob = describing<wire.InspectedJob>()(
  v.object({
    /** Of a download: when the file was made. */
    made_at: v.optional(Instant),
    source: v.picklist(['actor', 'mirror']),
    job: v.union([Job, JobSummary]),
    actor: v.nullable(InspectedActor),
    log: v.nullable(v.object({ events: v.array(JobEvent), first_seq: count, last_seq: count })),
    mirror: v.nullable(
      v.object({ row: v.record(v.string(), cell), mirrored_at: Instant, age_seconds: amount }),
    ),
    drift: v.nullable(
      v.object({
        state: v.picklist(['none', 'pending', 'behind', 'missing', 'unreachable', 'actor_missing']),
        columns: v.array(v.object({ name: v.string(), actor: cell, row: cell })),
      }),
    ),
  }),
)

/** POST /api/admin/jobs/:id/actions. */
export const ActionDone = v.object({ action: v.string(), job: v.nullable(Job) })

const counts = v.record(v.string(), count)
const percentiles = v.object({ jobs: count, p50: maybeAmount, p90: maybeAmount, p99: maybeAmount })

/** GET /api/admin/stats. */
export const Statistics = describing<wire.Statistics>()(
  v.object({
    window: v.object({ from: Instant, until: Instant, seconds: amount }),
    active: counts,
    ended: v.object({
      jobs: count,
      cut: v.boolean(),
      most: count,
      by_status: counts,
      by_type: v.record(v.string(), counts),
    }),
    per_hour: v.array(v.object({ hour: Instant, complete: count, error: count, cancelled: count })),
    seconds: v.object({ queue: percentiles, run: percentiles, total: percentiles }),
    error_codes: v.array(v.object({ code: v.string(), jobs: count })),
    attempts: v.array(v.object({ attempts: count, jobs: count })),
    gpu_seconds: amount,
    wasted_seconds: amount,
    cost: maybeAmount,
    wasted_cost: maybeAmount,
    webhooks: v.object({ taken: count, failed: count, success: maybeAmount }),
    runpod: v.nullable(v.object({ in_queue: count, workers: counts })),
  }),
)
