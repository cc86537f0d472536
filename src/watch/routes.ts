import { BY_QUERY, type Route, scoped } from '../http/route.ts'
import { readEvents } from './event-page.ts'
import { watchJob } from './socket.ts'

export const WATCH_ROUTES: readonly Route[] = [
  scoped('GET', '/api/jobs/:id/ws', 'jobs:read', watchJob, BY_QUERY),
  scoped('GET', '/api/jobs/:id/events', 'jobs:read', readEvents, BY_QUERY),
]
