/** What operators read, made from what the service answers. Pure. */

import type { Drift, Finding } from '../../../wire/admin.ts'
import { absolute, relative } from '../format.ts'

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g

/** A finding as one sentence: why, and what comes next and when. */
export function sentenceOf({ cause, next }: Finding, now: number): string {
  const why = cause.replace(INSTANT, (instant) => absolute(instant, now))
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

/** `queue_timeout`: a code as words. */
export function codeWords(code: string): string {
  const words = code.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const money = new Intl.NumberFormat(undefined, { maximumFractionDigits: 4 })

/** In whatever currency the deployment's price is. */
export function costWords(cost: number | null): string {
  return cost === null ? '–' : money.format(cost)
}

export function secondsWords(seconds: number | null): string {
  if (seconds === null) return '–'
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  return seconds < 3600 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`
}
