/** Texts about lanes for operators. Pure. */
import type { LaneJson } from '../../../../wire/admin.ts'

export type Holder = LaneJson['holders'][number]

export interface Place {
  key: string
  /** Null for a free place. */
  holder: Holder | null
}

/** One cell per place, and more when orphans or a lowered limit exceed them. */
export function placesOf({ places, holders }: LaneJson): Place[] {
  const taken = holders.map((holder) => ({
    key: `${holder.job_id}/${holder.round}-${holder.attempt}`,
    holder,
  }))
  const free = Math.max(0, (places ?? 0) - taken.length)
  return [...taken, ...Array.from({ length: free }, (_, i) => ({ key: `free-${i}`, holder: null }))]
}
