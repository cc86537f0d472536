/** GET /api/admin/metrics: gauges and counters for scrapers, from D1 and from the lanes. */
import { requireOwnProject } from '../auth/caller.ts'
import { readMetrics } from '../d1/metrics.ts'
import type { ScopedCall } from '../http/exchange.ts'
import { inspectLanes } from './lanes.ts'
import { countersOf, gaugesOf, lanesOf } from './metric-families.ts'
import { formatFor, MEDIA_TYPES, metricText } from './metric-text.ts'

/** @throws Problem 403 for a token confined to a project or a job, since the figures cover all jobs */
export async function showMetrics(call: ScopedCall): Promise<Response> {
  requireOwnProject(call.caller, null)
  const now = Date.now()
  const [{ counters, gauges }, lanes] = await Promise.all([readMetrics(call.env, now), inspectLanes(call)])
  const families = [...gaugesOf(gauges, now), ...lanesOf(lanes, now), ...countersOf(counters)]
  const format = formatFor(call.request.headers.get('Accept'))
  return new Response(metricText(families, format), {
    headers: { 'Content-Type': MEDIA_TYPES[format], 'Cache-Control': 'private, no-store', Vary: 'Accept' },
  })
}
