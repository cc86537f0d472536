import { type Route, scoped } from '../http/route.ts'
import { actOnJob } from './actions.ts'
import { actOnJobs } from './bulk.ts'
import { inspectJob } from './job.ts'
import { actOnLane, readLanes } from './lanes.ts'
import { showMetrics } from './metrics.ts'
import { readStats } from './stats.ts'
import { triageJobs } from './triage.ts'

export const ADMIN_ROUTES: readonly Route[] = [
  scoped('GET', '/api/admin/stats', 'admin', readStats),
  scoped('GET', '/api/admin/metrics', 'metrics:read', showMetrics),
  scoped('GET', '/api/admin/jobs', 'admin', triageJobs),
  scoped('GET', '/api/admin/lanes', 'admin', readLanes),
  scoped('POST', '/api/admin/lanes/:name/actions', 'admin', actOnLane),
  scoped('GET', '/api/admin/jobs/:id', 'admin', inspectJob),
  scoped('POST', '/api/admin/jobs/actions', 'admin', actOnJobs),
  scoped('POST', '/api/admin/jobs/:id/actions', 'admin', actOnJob),
]
