/** Schemas of the operators' requests and answers. */
import * as v from 'valibot'
import type * as wire from '../../wire/admin.ts'
import { describing } from '../http/describing.ts'
import {
  amount,
  count,
  flag,
  GivenInstant,
  Instant,
  optionalFields,
  ProjectId,
  shortText,
  whole,
} from '../http/fields.ts'
import { JobId } from '../jobs/ids.ts'
import { JOB_TYPES } from '../jobs/job-types/index.ts'
import {
  EndpointName,
  ErrorCode,
  Failure,
  Job,
  JobEvent,
  JobStatus,
  JobSummary,
  ListQuery,
  Tag,
} from '../jobs/schemas.ts'

/** The operator's reason for an action; recorded in the job's log. */
const why = { reason: shortText(500) }

function action<const A extends string, E extends v.ObjectEntries>(name: A, entries: E) {
  return v.strictObject({ action: v.literal(name), ...why, ...entries })
}

/** POST /api/admin/jobs/:id/actions. */
export const Action = v.variant('action', [
  action('retry_now', {}),
  action('cancel', {}),
  action('force_fail', {}),
  /** Ends this attempt, so that the next one can start. */
  action('give_up', { round: count, attempt: count }),
  action('recheck', {}),
  action('remirror', {}),
  /** Identifies a message to the job's `webhook_url` by its `webhook-id`. */
  action('redeliver', { delivery_id: shortText(200) }),
  action('extend_deadline', { deadline_at: GivenInstant }),
  action('delete', {}),
])
export type Action = v.InferOutput<typeof Action>

/**
 * Maximum number of jobs that one call of a bulk action acts on. D1 limits an invocation to 1,000 queries, and a new round
 * that takes a place first (places.ts) costs up to three.
 */
export const MAX_BULK_JOBS = 200

/** POST /api/admin/jobs/actions. A filter of the list that is left out matches every job. */
export const BulkAction = v.strictObject({
  action: v.picklist(['cancel', 'force_fail', 'retry_now', 'remirror', 'delete']),
  ...why,
  filter: optionalFields({
    project_id: v.optional(ProjectId),
    status: v.optional(v.array(JobStatus)),
    type: v.optional(v.picklist([...JOB_TYPES.keys()])),
    tag: v.optional(Tag),
    error_code: v.optional(ErrorCode),
    endpoint: v.optional(EndpointName),
    waiting: v.optional(v.boolean()),
    created_after: v.optional(GivenInstant),
    created_before: v.optional(GivenInstant),
    name: v.optional(shortText(200)),
    ids: v.optional(v.pipe(v.array(JobId), v.minLength(1), v.maxLength(MAX_BULK_JOBS))),
  }),
  cursor: v.optional(v.string()),
  dry_run: v.optional(v.boolean(), false),
})
export type BulkAction = v.InferOutput<typeof BulkAction>

/** The answer to a bulk action. */
export const BulkDone = describing<wire.BulkDone>()(
  v.object({
    action: v.string(),
    done: count,
    refused: v.array(v.object({ job_id: JobId, code: v.string() })),
    left: count,
    cursor: v.nullable(v.string()),
  }),
)

/** Types of log lines, comma-separated. */
const types = v.pipe(
  v.string(),
  v.regex(
    /^[a-z_]{1,64}(,[a-z_]{1,64}){0,19}$/,
    'Give at most 20 types of events, with commas between them.',
  ),
  v.transform((text) => text.split(',')),
)

/** POST /api/admin/lanes/:name/actions. */
export const LaneAction = v.strictObject({ action: v.picklist(['pause', 'resume']), ...why })

/** GET /api/admin/jobs/:id. */
export const InspectQuery = v.object({
  from: v.optional(v.picklist(['actor', 'mirror'])),
  download: v.optional(flag),
  after: v.optional(whole(0)),
  before: v.optional(whole(1)),
  limit: v.optional(whole(1)),
  type: v.optional(types),
  errors: v.optional(flag),
})

const HOUR_MS = 3_600_000
const LONGEST_DAYS = 31

/** A time window up to now, such as `24h` or `7d`; parsed to milliseconds. */
const window = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,2}[hd]$/, 'Give a window like 24h or 7d.'),
  v.transform((text) => Number.parseInt(text, 10) * HOUR_MS * (text.endsWith('d') ? 24 : 1)),
  v.maxValue(LONGEST_DAYS * 24 * HOUR_MS, `A window may be ${LONGEST_DAYS} days at most.`),
)

/** GET /api/admin/stats. */
export const StatsQuery = v.object({ window: v.optional(window) })

const TABS = ['attention', 'running', 'waiting', 'failed', 'cancelled', 'done', 'all'] as const
const REASONS = [
  'stalled',
  'cancel_unconfirmed',
  'wakes_throttled',
  'deadline_near',
  'webhook_failing',
  'row_behind',
] as const satisfies readonly wire.TriageReason[]

/** GET /api/admin/jobs: the filters of the list, and those for operators alone. */
export const TriageQuery = v.object({
  ...v.omit(ListQuery, ['status']).entries,
  tab: v.optional(v.picklist(TABS)),
  reason: v.optional(v.picklist(REASONS)),
  name: v.optional(shortText(200)),
  runpod_job_id: v.optional(shortText(200)),
})

const maybeInstant = v.nullable(Instant)
const maybeAmount = v.nullable(amount)
const owed = { tries: count, next_try_at: Instant }

/** A cause and the next step, in one sentence. */
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
    endpoint: v.nullable(v.object({ name: v.string(), url: v.string() })),
    runpod_job_id: v.nullable(v.string()),
    output_video_key: v.string(),
    dispatched_at: Instant,
    queued_at: maybeInstant,
    started_at: maybeInstant,
    ended_at: maybeInstant,
    remote: v.picklist(['unknown', 'live', 'ended']),
    remote_ended_at: maybeInstant,
    outcome: v.picklist(['open', 'won', 'failed', 'closed']),
    counts: v.boolean(),
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

/** The full state of an actor. */
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
    policy: v.record(v.string(), v.union([v.number(), v.string()])),
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
    line: v.optional(
      v.object({
        open: v.nullable(
          v.object({ since: Instant, heard_at: Instant, messages: count, last_n: v.nullable(count) }),
        ),
        last_close: v.nullable(v.object({ at: Instant, code: count, messages: count })),
      }),
    ),
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
    /** When a download was created; absent otherwise. */
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

const refused = {
  strikes: count,
  cause: v.picklist(['deployment', 'runpod']),
  status: v.nullable(count),
  detail: v.string(),
}

export const Lane = describing<wire.LaneJson>()(
  v.object({
    name: v.string(),
    places: v.nullable(count),
    taken: count,
    holders: v.array(
      v.object({ job_id: v.string(), round: count, attempt: count, project_id: count, since: Instant }),
    ),
    waiting: count,
    oldest_since: v.nullable(Instant),
    projects: v.array(v.object({ project_id: count, waiting: count, oldest_since: Instant })),
    stopped: v.nullable(v.string()),
    breaker: v.nullable(
      v.object({ opened_at: Instant, next_try_at: Instant, ...refused, trying: v.boolean() }),
    ),
    outages: v.array(v.object({ opened_at: Instant, closed_at: Instant, ...refused })),
    pause: v.nullable(v.object({ by: v.string(), reason: v.string(), since: Instant })),
  }),
)

/** GET /api/admin/lanes. */
export const Lanes = describing<wire.LanesJson>()(
  v.object({ as_of: Instant, lanes: v.array(Lane), unreachable: v.array(v.string()) }),
)

/** POST /api/admin/lanes/:name/actions. */
export const LaneActionDone = v.object({ action: v.string(), lane: Lane })

/** POST /api/admin/jobs/:id/actions. */
export const ActionDone = v.object({ action: v.string(), job: v.nullable(Job) })

/** GET /api/admin/jobs. */
export const TriagePage = describing<wire.TriagePage>()(
  v.object({
    jobs: v.array(
      v.object({
        ...JobSummary.entries,
        attention: v.nullable(v.object({ reason: v.picklist(REASONS), since: Instant })),
        last_news_at: Instant,
        next_at: maybeInstant,
        cost: maybeAmount,
        poster_url: v.nullable(v.string()),
      }),
    ),
    next_cursor: v.nullable(v.string()),
  }),
)

const counts = v.record(v.string(), count)
const percentiles = v.object({ jobs: count, p50: maybeAmount, p90: maybeAmount, p99: maybeAmount })

/** GET /api/admin/stats. */
export const Statistics = describing<wire.Statistics>()(
  v.object({
    window: v.object({ from: Instant, until: Instant, seconds: amount }),
    active: counts,
    attention: counts,
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
    database: v.object({ bytes: count, limit_bytes: count, nearly_full: v.boolean() }),
    runpod: v.nullable(v.object({ in_queue: count, workers: counts })),
    lanes: v.array(
      v.object({
        name: v.string(),
        waiting: count,
        oldest_waiting_seconds: amount,
        taken: count,
        free: v.nullable(count),
        breaker: v.picklist(['closed', 'open', 'trying']),
        paused: v.boolean(),
      }),
    ),
  }),
)
