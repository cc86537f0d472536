/**
 * Decides whether an operator should look at the job, for which reason and since when. A change is stored at the commit
 * that finds it, as a new version of the job, so that the list finds such jobs by an index to which healthy jobs add
 * nothing.
 */
import type { AttentionReason } from '../../../wire/admin.ts'
import type { Draft } from './draft.ts'
import type { Job } from './job.ts'
import { isIn } from './phase.ts'
import { owedCancels } from './remote.ts'
import { isNearDeadline, isSilent } from './shown/findings.ts'

/**
 * The most severe first. Conditions that often resolve by themselves are excluded: a cancel that is sent for the first
 * time or no longer owed, a lost line before RunPod was polled, and a webhook after its first failed try.
 */
const REASONS: readonly (readonly [AttentionReason, (job: Job, at: number) => boolean])[] = [
  ['stalled', isStalled],
  ['cancel_unconfirmed', isUnconfirmed],
  ['wakes_throttled', ({ breaker }) => breaker.tripped],
  ['deadline_near', isNearDeadline],
  ['webhook_failing', ({ outbox }) => outbox.webhooks.some(({ tries }) => tries > 1)],
]

function isStalled(job: Job, at: number): boolean {
  const { phase } = job
  const line = isIn(phase, 'running') ? phase.line : undefined
  return line?.lostAt != null ? line.asks > 0 : isSilent(job, at)
}

function isUnconfirmed(job: Job): boolean {
  const { phase } = job
  const isAsked = phase.status === 'cancelling' || (phase.status === 'cancelled' && !phase.confirmed)
  return isAsked && owedCancels(job).some(({ cancel }) => cancel.tries > 0)
}

/** Runs after all other decisions. A step that is not stored is evaluated at the instant of the last stored one. */
export function noteAttention(draft: Draft): void {
  const { job, now } = draft
  const at = draft.isDurable ? now : job.savedAt
  const [reason = null] = REASONS.find(([, holds]) => holds(job, at)) ?? []
  if (reason === (job.attention?.reason ?? null)) return
  draft.change({ attention: reason && { reason, since: now } })
  const { mirror } = job.outbox
  // While writes to D1 fail, the owed write includes this change as well, and its backoff is kept.
  if (!mirror?.tries) return draft.rewriteRow()
  draft.keep({ outbox: { mirror: { ...mirror, version: job.version + 1 } } })
}
