/** What operators send. */
import * as v from 'valibot'
import { GivenInstant, shortText } from './common.ts'
import { whole } from './query.ts'

/** Why it is done, in the operator's words: kept in the job's log. */
const why = { reason: shortText(500) }

function action<const A extends string, E extends v.ObjectEntries>(name: A, entries: E) {
  return v.strictObject({ action: v.literal(name), ...why, ...entries })
}

/** POST /api/admin/jobs/:id/actions. */
export const Action = v.variant('action', [
  action('retry_now', {}),
  action('cancel', {}),
  action('force_fail', {}),
  action('recheck', {}),
  action('remirror', {}),
  /** A message to the job's `webhook_url`, by its `webhook-id`. */
  action('redeliver', { delivery_id: shortText(200) }),
  action('extend_deadline', { deadline_at: GivenInstant }),
  action('delete', {}),
])
export type Action = v.InferOutput<typeof Action>

const flag = v.pipe(
  v.picklist(['', '0', '1', 'true', 'false']),
  v.transform((text) => text !== '0' && text !== 'false'),
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

/** A window back from now, as `24h` or `7d`; in milliseconds. */
const window = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,2}[hd]$/, 'Give a window like 24h or 7d.'),
  v.transform((text) => Number.parseInt(text, 10) * HOUR_MS * (text.endsWith('d') ? 24 : 1)),
  v.maxValue(LONGEST_DAYS * 24 * HOUR_MS, `A window may be ${LONGEST_DAYS} days at most.`),
)

/** GET /api/admin/stats. */
export const StatsQuery = v.object({ window: v.optional(window) })
