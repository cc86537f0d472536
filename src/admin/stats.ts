/** GET /api/admin/stats: figures over all jobs of a window, and RunPod's counts of its workers. */
import type { EndpointHealth } from '../../actors/export-job/core/job.ts'
import { health } from '../../actors/runpod/client.ts'
import { pricesOf } from '../../actors/shared/endpoints.ts'
import type { Settings } from '../../actors/shared/settings.ts'
import type { Statistics } from '../../wire/admin.ts'
import { requireOwnProject } from '../auth/caller.ts'
import { statsOf } from '../d1/stats.ts'
import { json, type ScopedCall } from '../http/exchange.ts'
import { parseQuery } from '../http/parse-query.ts'
import { figuresOf } from './lane-figures.ts'
import { inspectLanes } from './lanes.ts'
import { StatsQuery } from './schemas.ts'

const STANDARD_WINDOW_MS = 24 * 3_600_000
/** Maximum wait for RunPod; without its answer the figures are returned alone. */
const RUNPOD_MS = 3_000

/** @throws Problem 403 for a token confined to a project or a job, since the figures cover all jobs */
export async function readStats(call: ScopedCall): Promise<Response> {
  requireOwnProject(call.caller, null)
  const { window } = parseQuery(StatsQuery, call.url.searchParams)
  const now = Date.now()
  const prices = pricesOf(call.settings.endpoints)
  const [stats, runpod, { lanes }] = await Promise.all([
    statsOf(call.env, window ?? STANDARD_WINDOW_MS, (name) => prices(name, null), now),
    runpodNow(call.settings, now),
    inspectLanes(call),
  ])
  const answer: Statistics = {
    ...stats,
    runpod: shown(runpod),
    lanes: lanes.map((lane) => figuresOf(lane, now)),
  }
  return json(answer)
}

/** The sum over all endpoints; null unless each of them answers. */
async function runpodNow(settings: Settings, now: number): Promise<EndpointHealth | null> {
  const { endpoints, runpodApiKey: apiKey } = settings
  if (!apiKey || endpoints.size === 0) return null
  const asked = [...endpoints.values()].map(({ url }) => health({ endpoint: url, apiKey }, now, RUNPOD_MS))
  const seen = await Promise.all(asked)
  return seen.reduce((sum, each) => sum && each && plus(sum, each))
}

function plus(a: EndpointHealth, b: EndpointHealth): EndpointHealth {
  return {
    seenAt: a.seenAt,
    idle: a.idle + b.idle,
    running: a.running + b.running,
    throttled: a.throttled + b.throttled,
    initializing: a.initializing + b.initializing,
    unhealthy: (a.unhealthy ?? 0) + (b.unhealthy ?? 0),
    inQueue: a.inQueue + b.inQueue,
  }
}

function shown(seen: EndpointHealth | null): Statistics['runpod'] {
  if (!seen) return null
  const { seenAt: _, inQueue, ...workers } = seen
  return { in_queue: inQueue, workers }
}
