/** Schemas of a job's log: its queries and its pages. */
import * as v from 'valibot'
import type * as wire from '../../wire/job.ts'
import type * as asked from '../../wire/requests.ts'
import { describing, queried } from '../http/describing.ts'
import { count, whole } from '../http/fields.ts'
import { JobEvent } from '../jobs/schemas.ts'

/** GET /api/jobs/:id/ws, and the event stream. */
export const WatchQuery = queried<asked.WatchQuery>()(v.object({ after: v.optional(whole(0)) }))

/** GET /api/jobs/:id/events. */
export const EventsQuery = queried<asked.EventsQuery>()(
  v.object({ after: v.optional(whole(0)), limit: v.optional(whole(1)) }),
)

/** GET /api/jobs/:id/events. */
export const EventPage = describing<wire.EventsPage>()(
  v.object({
    events: v.array(JobEvent),
    next_after: count,
    first_seq: count,
    last_seq: count,
  }),
)
