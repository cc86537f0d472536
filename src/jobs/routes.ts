import { type Route, scoped } from '../http/route.ts'
import { cancelJob, deleteJob, redeliverWebhook, retryJob } from './commands.ts'
import { createJob } from './create.ts'
import { listJobs } from './list.ts'
import { readJob } from './read.ts'
import { listJobTypes } from './types.ts'

export const JOB_ROUTES: readonly Route[] = [
  scoped('POST', '/api/jobs', 'jobs:write', createJob),
  scoped('GET', '/api/jobs', 'jobs:read', listJobs),
  scoped('GET', '/api/jobs/:id', 'jobs:read', readJob),
  scoped('DELETE', '/api/jobs/:id', 'jobs:write', deleteJob),
  scoped('POST', '/api/jobs/:id/cancel', 'jobs:write', cancelJob),
  scoped('POST', '/api/jobs/:id/retry', 'jobs:write', retryJob),
  scoped('POST', '/api/jobs/:id/webhooks/:delivery/redeliver', 'jobs:write', redeliverWebhook),
  scoped('GET', '/api/job-types', 'jobs:read', listJobTypes),
]
