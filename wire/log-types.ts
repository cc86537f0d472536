/**
 * Classifies the types of log lines: one table by which the service filters and the pages mark lines. It is the only
 * run-time value in this folder, since both sides need it and neither may import the other.
 */
import type { LogType } from './events.ts'

interface Kind {
  /** What caused it: a person, a webhook of this service, a worker, or the service itself. */
  readonly by: 'operator' | 'webhook' | 'worker' | 'service'
  /** Whether the filter for errors includes it. */
  readonly trouble: boolean
}

const kind = (by: Kind['by'], trouble = false): Kind => ({ by, trouble })
const TROUBLE = true

const KINDS: Record<LogType, Kind> = {
  created: kind('service'),
  place_awaited: kind('service'),
  lane_bypassed: kind('service', TROUBLE),
  dispatch_held: kind('service', TROUBLE),
  attempt_started: kind('service'),
  dispatch_ambiguous: kind('service', TROUBLE),
  queued: kind('service'),
  processing: kind('worker'),
  stage: kind('worker'),
  line_lost: kind('worker', TROUBLE),
  verifying: kind('worker'),
  output_found: kind('service'),
  attempt_failed: kind('service', TROUBLE),
  refused_again: kind('service', TROUBLE),
  late_report: kind('worker', TROUBLE),
  complete: kind('service'),
  error: kind('service', TROUBLE),
  cancelled: kind('service'),
  cancel_requested: kind('operator'),
  cancel_unconfirmed: kind('service', TROUBLE),
  cancel_confirmed: kind('service'),
  retried: kind('operator'),
  retry_hurried: kind('operator'),
  force_failed: kind('operator', TROUBLE),
  recheck_requested: kind('operator'),
  remirror_requested: kind('operator'),
  deadline_extended: kind('operator'),
  deleting: kind('operator'),
  wakes_throttled: kind('service', TROUBLE),
  webhook_delivered: kind('webhook'),
  webhook_failed: kind('webhook', TROUBLE),
  webhook_refused: kind('webhook', TROUBLE),
  webhook_given_up: kind('webhook', TROUBLE),
  webhook_redelivery_requested: kind('operator'),
}

/** A type that is not in the table, as in the log of another version, counts as the service's own and no trouble. */
export const kindOf = (type: string): Kind => BY_TYPE.get(type) ?? kind('service')

const BY_TYPE: ReadonlyMap<string, Kind> = new Map(Object.entries(KINDS))

/** Types of lines that report trouble. */
export const TROUBLE_TYPES: readonly string[] = [...BY_TYPE].flatMap(([type, { trouble }]) =>
  trouble ? [type] : [],
)
