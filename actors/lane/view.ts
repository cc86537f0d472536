/** The state of a lane for operators. */
import type { LaneJson } from '../../wire/admin.ts'
import { iso } from '../export-job/core/iso.ts'
import { lowest } from '../shared/extremes.ts'
import { inTurn } from './order.ts'
import type { Lane, Refusal, Waiter } from './state.ts'
import { type Stop, stopWords } from './words.ts'

/** The most holders and projects listed individually. */
const MAX_LISTED = 1_000

/** @param limit the number of places; null for any number, 0 for an endpoint that is not in the settings any more */
export function viewOf(name: string, lane: Lane, limit: number | null, now: number): LaneJson {
  const { places, waiters, breaker, outages, pause } = lane
  const byProject = Map.groupBy(
    [...inTurn(lane), ...[...waiters.values()].filter(({ passedOver }) => passedOver)],
    ({ projectId }) => projectId,
  )
  const stop = stopOf(lane)
  return {
    name,
    places: limit,
    taken: places.size,
    holders: [...places.values()]
      .sort((a, b) => a.grantedAt - b.grantedAt)
      .slice(0, MAX_LISTED)
      .map(({ jobId, round, dispatch, projectId, grantedAt }) => ({
        job_id: jobId,
        round,
        attempt: dispatch,
        project_id: projectId,
        since: iso(grantedAt),
      })),
    waiting: waiters.size,
    oldest_since: waiters.size > 0 ? oldest([...waiters.values()]) : null,
    projects: [...byProject].slice(0, MAX_LISTED).map(([projectId, queue]) => ({
      project_id: projectId,
      waiting: queue.length,
      oldest_since: oldest(queue),
    })),
    stopped: stop && stopWords(stop, waiters.size, now),
    breaker: breaker && {
      opened_at: iso(breaker.openedAt),
      next_try_at: iso(breaker.until),
      ...refused(breaker),
      trying: breaker.probe !== null,
    },
    outages: outages.map((outage) => ({
      opened_at: iso(outage.openedAt),
      closed_at: iso(outage.closedAt),
      ...refused(outage),
    })),
    pause: pause && { by: pause.by, reason: pause.reason, since: iso(pause.at) },
  }
}

/** @param queue not empty */
function oldest(queue: readonly Waiter[]): string {
  return iso(
    lowest(
      Number.POSITIVE_INFINITY,
      queue.map(({ since }) => since),
    ),
  )
}

function stopOf({ pause, breaker }: Lane): Stop | null {
  if (pause) return { kind: 'paused', pause }
  return breaker && { kind: 'refused', breaker }
}

function refused({ strikes, refusal }: { strikes: number; refusal: Refusal }) {
  const { cause, status, detail } = refusal
  return { strikes, cause, status, detail }
}
