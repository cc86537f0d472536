/** Lanes in figures: for the statistics, and for machines that scrape. */
import { instantOf } from '../../actors/shared/instant.ts'
import type { LaneFigures, LaneJson, LanesJson } from '../../wire/admin.ts'

export type SeenLanes = Pick<LanesJson, 'lanes' | 'unreachable'>

/** The figures of one lane in `GET /api/admin/stats`. @param now milliseconds */
export function figuresOf(lane: LaneJson, now: number): LaneFigures {
  const { name, places, taken, waiting, oldest_since: since, breaker, pause } = lane
  const oldest = Math.min(now, (since && instantOf(since)) || now)
  return {
    name,
    waiting,
    oldest_waiting_seconds: (now - oldest) / 1000,
    taken,
    free: places === null ? null : Math.max(0, places - taken),
    breaker: breaker === null ? 'closed' : breaker.trying ? 'trying' : 'open',
    paused: pause !== null,
  }
}
