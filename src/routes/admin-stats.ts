/** GET /api/admin/stats: figures over all jobs of a window, and beside them what RunPod says of its workers. */
import type { EndpointHealth } from '../../actors/export-job/core/job.ts'
import { health } from '../../actors/runpod.ts'
import type { Settings } from '../../actors/settings.ts'
import type { Statistics } from '../../wire/admin.ts'
import { requireOwnProject } from '../auth.ts'
import { json, type ScopedCall } from '../http.ts'
import { demandQuery } from '../query.ts'
import { StatsQuery } from '../schemas/admin.ts'
import { statsOf } from '../stats.ts'

const STANDARD_WINDOW_MS = 24 * 3_600_000
/** The figures do not wait longer for RunPod. */
const RUNPOD_MS = 3_000

/** @throws Problem 403 for a token that is confined to a project, or to one job: the figures are over all */
export async function readStats(call: ScopedCall): Promise<Response> {
  requireOwnProject(call.caller, null)
  const { window } = demandQuery(StatsQuery, call.url.searchParams)
  const now = Date.now()
  const [stats, runpod] = await Promise.all([
    statsOf(call.env, window ?? STANDARD_WINDOW_MS, call.settings.gpuPricePerSecond, now),
    runpodNow(call.settings, now),
  ])
  const answer: Statistics = { ...stats, runpod: shown(runpod) }
  return json(answer)
}

async function runpodNow(settings: Settings, now: number): Promise<EndpointHealth | null> {
  const { runpodEndpoint: endpoint, runpodApiKey: apiKey } = settings
  return endpoint && apiKey ? health({ endpoint, apiKey }, now, RUNPOD_MS) : null
}

function shown(seen: EndpointHealth | null): Statistics['runpod'] {
  if (!seen) return null
  const { seenAt: _, inQueue, ...workers } = seen
  return { in_queue: inQueue, workers }
}
