/** For operators: one actor opened up, what they may do with it, and figures over all. */
import * as v from 'valibot'
import { Action, InspectQuery, StatsQuery } from '../schemas/admin.ts'
import { ActionDone, InspectedJob, Statistics } from '../schemas/admin-view.ts'
import { JobId } from '../schemas/common.ts'
import type { Operation } from './operation.ts'

const ById = v.object({ id: JobId })

export const ADMIN_OPERATIONS: readonly Operation[] = [
  {
    route: 'GET /api/admin/jobs/:id',
    id: 'inspectJob',
    tag: 'Operation',
    summary: 'Open one actor',
    description:
      'State, reason, every clock, the alarm, attempts with their cost, the event log, what is owed, watchers, storage, and beside it the row in D1 with its drift. `findings` say in one sentence each why the job is where it is and what comes next. Looking writes nothing.',
    access: 'admin',
    path: ById,
    query: InspectQuery,
    notes: {
      from: '`mirror`: answer from the row in D1 and wake no actor.',
      download: 'Everything as one file for a bug report, secrets removed.',
      after: 'Lines of the log just above this number, oldest first.',
      before: 'Lines just below this number. With neither, the newest.',
      limit: 'The most lines; 200 unless said, 1000 at most.',
      type: 'Only lines of these types, with commas between them.',
      errors: 'Only lines that tell of trouble.',
    },
    answers: { 200: { description: 'The job, opened up.', schema: InspectedJob } },
    problems: ['list_unavailable'],
    examples: [
      { name: 'open', summary: 'Everything, with the newest lines of the log', status: 200 },
      { name: 'mirror', summary: 'From D1 alone', query: { from: 'mirror' }, status: 200 },
      {
        name: 'errors',
        summary: 'What went wrong last',
        query: { errors: '1', limit: '20' },
        status: 200,
      },
    ],
  },
  {
    route: 'POST /api/admin/jobs/:id/actions',
    id: 'actOnJob',
    tag: 'Operation',
    summary: 'Act on one job',
    description:
      'Each action may be sent again, and is kept in the job’s log with who asked and why. `retry_now` does not wait for the backoff, and starts a new round of an ended job; `recheck` asks RunPod now; `remirror` writes the row in D1 again; `redeliver` sends a webhook again; `delete` of an active job cancels it instead. Without a token, as in development, a page of another origin is refused.',
    access: 'admin',
    path: ById,
    body: Action,
    answers: { 200: { description: 'Done; `job` is null once it is being deleted.', schema: ActionDone } },
    problems: [
      'cross_origin',
      'job_active',
      'job_complete',
      'job_cancelled',
      'job_ended',
      'nothing_to_ask',
      'no_webhook',
      'delivery_not_found',
      'deadline_not_later',
      'deadline_too_late',
      'too_many_rounds',
      'archived',
      'list_unavailable',
      'upload_unavailable',
    ],
    examples: [
      {
        name: 'remirror',
        summary: 'Write the row again',
        body: { action: 'remirror', reason: 'The list shows an old status.' },
        status: 200,
      },
      {
        name: 'recheck',
        summary: 'Nothing runs at RunPod yet',
        body: { action: 'recheck', reason: 'No report for a while.' },
        status: 409,
      },
    ],
  },
  {
    route: 'GET /api/admin/stats',
    id: 'readStatistics',
    tag: 'Operation',
    summary: 'Read figures over all jobs',
    description:
      'Of the jobs that ended in the window, at most the newest 20,000: `ended.cut` says when there were more. Percentiles are of the last round of each job. From D1; no actor is woken.',
    access: 'admin',
    query: StatsQuery,
    notes: { window: 'How far back, as `24h` or `7d`; a day unless said, 31 days at most.' },
    answers: { 200: { description: 'The figures.', schema: Statistics } },
    problems: ['project_forbidden', 'job_token_only', 'list_unavailable'],
    examples: [
      { name: 'day', summary: 'The last day', status: 200 },
      { name: 'week', summary: 'The last week', query: { window: '7d' }, status: 200 },
    ],
  },
]
