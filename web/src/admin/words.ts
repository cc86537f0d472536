/** Texts for operators, derived from the service's answers. Pure. */

import type { Drift, Finding, TriageReason } from '../../../wire/admin.ts'
import { absolute, relative } from '../format.ts'

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g

/** A sentence of the service with readable instants. */
export function withTimes(text: string, now: number): string {
  return text.replace(INSTANT, (instant) => absolute(instant, now))
}

/** A finding as one sentence: the cause, what comes next, and when. */
export function sentenceOf({ cause, next }: Finding, now: number): string {
  const why = withTimes(cause, now)
  if (!next) return `${why}.`
  const due = Date.parse(next.at) <= now ? 'now' : `${relative(next.at, now)}, at ${absolute(next.at, now)}`
  return `${why}; next: ${next.what} (${due}).`
}

const DRIFT: Record<Drift['state'], string> = {
  none: 'The row says what the actor says.',
  pending: 'The row is about to be written: the actor owes it, and has not failed to.',
  behind: 'The row does not say what the actor says.',
  missing: 'There is no row in D1 for this job.',
  unreachable: 'D1 did not answer.',
  actor_missing: 'There is a row, and no actor that holds the job.',
}

export function driftWords({ state }: Drift): string {
  return DRIFT[state]
}

/** A code such as `queue_timeout` as text. */
export function codeWords(code: string): string {
  const words = code.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const money = new Intl.NumberFormat(undefined, { maximumFractionDigits: 4 })

/** An amount in the currency of the deployment's price. */
export function costWords(cost: number | null): string {
  return cost === null ? '–' : money.format(cost)
}

export function secondsWords(seconds: number | null): string {
  if (seconds === null) return '–'
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  return seconds < 3600 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`
}

const REASONS: Record<TriageReason, string> = {
  stalled: 'Worker silent',
  cancel_unconfirmed: 'Cancel not confirmed',
  wakes_throttled: 'Wakes too often',
  deadline_near: 'Deadline near',
  webhook_failing: 'Webhook not taken',
  row_behind: 'Row behind',
}

export function reasonWords(reason: TriageReason): string {
  return REASONS[reason]
}
