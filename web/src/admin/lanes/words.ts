/** Texts about lanes for operators. Pure. */
import type { LaneJson } from '../../../../wire/admin.ts'

export type Holder = LaneJson['holders'][number]

export interface Place {
  key: string
  /** Null for a free place. */
  holder: Holder | null
}

/** The most free places drawn as cells: a limit may be any number. */
const MAX_FREE_CELLS = 200

/**
 * One cell per place, and more when orphans or a lowered limit exceed them; of many holders, those that are listed, and
 * of many free places, some.
 */
export function placesOf({ places, taken: count, holders }: LaneJson): Place[] {
  const taken = holders.map((holder) => ({
    key: `${holder.job_id}/${holder.round}-${holder.attempt}`,
    holder,
  }))
  const free = Math.min(MAX_FREE_CELLS, Math.max(0, (places ?? 0) - count))
  return [...taken, ...Array.from({ length: free }, (_, i) => ({ key: `free-${i}`, holder: null }))]
}
