/** Explains why a lane grants nothing, for waiting jobs and operators. */
import { iso } from '../export-job/core/iso.ts'
import type { WaitReason } from './rules.ts'

export type Stop = Exclude<WaitReason, { kind: 'places' }>

/**
 * A sentence with instants in RFC 3339.
 *
 * @param waiting the number of waiting jobs
 */
export function stopWords(stop: Stop, waiting: number, now: number): string {
  const many = waiting === 1 ? '1 job waits.' : `${waiting} jobs wait.`
  if (stop.kind === 'paused')
    return `Paused by ${stop.pause.by}: ${stop.pause.reason.replace(/[.\s]+$/, '')}. ${many}`
  const { refusal, openedAt, until, probe } = stop.breaker
  const status = refusal.status === null ? '' : ` (${refusal.status})`
  const isKey = refusal.status === 401 || refusal.status === 403
  const ours = isKey ? 'RunPod refuses this deployment’s key' : 'RunPod refuses this deployment'
  const who = refusal.cause === 'deployment' ? ours : 'RunPod takes no jobs'
  const next = until <= now ? 'the next job tries' : `next try ${iso(until)}`
  return `${who}${status} since ${iso(openedAt)}; ${probe ? 'one job is trying now' : next}. ${many}`
}
