/** What the queries of the API may say. Every value arrives as text; names that are not here are left alone. */
import * as v from 'valibot'
import { JOB_TYPES } from '../job-types/index.ts'
import { GivenInstant } from './common.ts'
import { JobStatus, Tag } from './job-view.ts'

/** A whole number of at least `least`, in digits. */
export function whole(least: number) {
  const wrong = `This must be a whole number of at least ${least}.`
  return v.pipe(
    v.string(),
    v.regex(/^\d+$/, wrong),
    v.transform(Number),
    v.number(),
    v.safeInteger(wrong),
    v.minValue(least, wrong),
  )
}

const LONGEST_WAIT_SECONDS = 60

/** GET /api/jobs. */
export const ListQuery = v.object({
  project_id: v.optional(whole(1)),
  status: v.optional(v.array(JobStatus), () => []),
  type: v.optional(v.picklist([...JOB_TYPES.keys()])),
  tag: v.optional(Tag),
  error_code: v.optional(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,63}$/, 'This is no error code.'))),
  /** The beginning of an id, or all of it; the other filters then do not count. */
  id: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9a-fA-F-]{8,36}$/, 'Give at least the first eight characters of an id.'),
      v.toLowerCase(),
    ),
  ),
  created_after: v.optional(GivenInstant),
  created_before: v.optional(GivenInstant),
  limit: v.optional(whole(1)),
  cursor: v.optional(v.string()),
})

/** GET /api/jobs/:id. */
export const JobQuery = v.object({
  wait: v.optional(
    v.pipe(
      whole(1),
      v.maxValue(LONGEST_WAIT_SECONDS, `This must be ${LONGEST_WAIT_SECONDS} seconds at most.`),
    ),
  ),
})

/** GET /api/jobs/:id/ws, and the event stream. */
export const WatchQuery = v.object({ after: v.optional(whole(0)) })

/** GET /api/jobs/:id/events. */
export const EventsQuery = v.object({ after: v.optional(whole(0)), limit: v.optional(whole(1)) })
