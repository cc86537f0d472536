/** Determines which actions apply to a job's state, and which one a finding recommends. Pure. */
import type { Finding, InspectedActor, InspectedAttempt, InspectedJob } from '../../../../wire/admin.ts'
import type { ActionName } from '../calls.ts'

export interface Asked {
  action: ActionName
  /** The webhook message to send again. */
  delivery?: string
  /** The attempt to give up. */
  attempt?: { round: number; attempt: number }
}

type Opened = Pick<InspectedJob, 'job' | 'actor'>

/** The actions that the service would accept now, in display order. */
export function possible({ job, actor }: Opened): Asked[] {
  const { status } = job
  if (!actor) return [{ action: 'delete' }]
  const active = status === 'pending' || status === 'queued' || status === 'processing'
  const open = openAttempt(actor)
  const asked: Asked[] = []
  if (status === 'error' || status === 'cancelled' || (status === 'pending' && !open))
    asked.push({ action: 'retry_now' })
  if ((open?.runpod_job_id && active) || actor.attempts.some(({ cancel }) => cancel?.next_try_at))
    asked.push({ action: 'recheck' })
  if (open && active && job.attempt < job.max_attempts) {
    const { round, attempt } = open
    asked.push({ action: 'give_up', attempt: { round, attempt } })
  }
  if (active) asked.push({ action: 'cancel' }, { action: 'extend_deadline' }, { action: 'force_fail' })
  asked.push({ action: 'remirror' })
  if (!active && status !== 'cancelling') asked.push({ action: 'delete' })
  return asked
}

/** The possible action that resolves this finding; null when waiting is enough. */
export function advised({ code, cause }: Finding, opened: Opened): Asked | null {
  if (code === 'webhook_failing') {
    const owed = opened.actor?.outbox.webhooks.find(
      ({ event, tries }) => tries > 0 && cause.includes(`“${event}”`),
    )
    return owed ? { action: 'redeliver', delivery: owed.id } : null
  }
  const can = possible(opened)
  for (const wanted of ADVICE[code]) {
    const found = can.find(({ action }) => action === wanted)
    if (found) return found
  }
  return null
}

/** Whether the lane of its endpoint holds the job, so that retrying the job alone would not help. */
export function isHeld({ code }: Finding, { job }: Opened): boolean {
  return 'queue' in job && job.queue !== null && HELD.includes(code)
}

const HELD: readonly Finding['code'][] = ['under_way', 'refused', 'waiting_for_retry']

/** The first possible one is recommended. */
const ADVICE: Record<Finding['code'], readonly ActionName[]> = {
  under_way: [],
  waiting_for_gpu: ['recheck'],
  waiting_for_retry: ['retry_now'],
  not_configured: ['retry_now'],
  refused: ['retry_now'],
  lost_webhook: [],
  stalled: ['give_up', 'recheck'],
  cancel_unconfirmed: ['recheck'],
  output_missing: ['retry_now', 'give_up'],
  ended: ['retry_now'],
  deadline_near: ['extend_deadline'],
  wakes_throttled: ['force_fail'],
  mirror_behind: ['remirror'],
  webhook_failing: [],
}

function openAttempt({ attempts }: InspectedActor): InspectedAttempt | null {
  return attempts.findLast(({ outcome }) => outcome === 'open') ?? null
}

/** RunPod's web page of an endpoint; null for an endpoint elsewhere. */
export function consoleOf(url: string | undefined): string | null {
  const [, id] = /^https:\/\/api\.runpod\.ai\/v2\/([^/?#]+)\/?$/.exec(url ?? '') ?? []
  return id ? `https://console.runpod.io/serverless/user/endpoint/${id}` : null
}
