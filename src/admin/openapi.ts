/** OpenAPI notes of the operators' routes: one actor's state, actions on jobs and lanes, and figures over all jobs. */
import * as v from 'valibot'
import { ById } from '../jobs/ids.ts'
import type { OperationNote } from '../openapi/operation.ts'
import {
  Action,
  ActionDone,
  BulkAction,
  BulkDone,
  InspectedJob,
  InspectQuery,
  LaneAction,
  LaneActionDone,
  Lanes,
  Statistics,
  StatsQuery,
  TriagePage,
  TriageQuery,
} from './schemas.ts'

/** An endpoint's name in the settings. */
const LaneByName = v.object({ name: v.string() })

export const ADMIN_NOTES: readonly OperationNote[] = [
  {
    route: 'GET /api/admin/jobs',
    id: 'triageJobs',
    tag: 'Operation',
    summary: 'Find what needs a person',
    description:
      'The list with what operators need beside it. `tab=attention`, which is also what is answered without a tab, holds the jobs whose actor noted that a person should look at them, and rows that should have changed by now, the longest first; the other tabs are newest first. From D1; no actor is woken.',
    query: TriageQuery,
    notes: {
      tab: 'Which jobs; those that need attention unless said.',
      reason: 'Of the tab attention: only those.',
      project_id: 'Only of this project.',
      type: 'Only of this type.',
      tag: 'Only with this tag.',
      error_code: 'Only those that failed with this code.',
      endpoint: 'Only for the RunPod endpoint of this name.',
      waiting: 'Only those that no place is free for, or whose endpoint takes none.',
      name: 'Only whose input has this in its key or address.',
      runpod_job_id: 'Only the job whose latest attempt has this id at RunPod.',
      id: 'Whose id begins like this; then nothing else counts.',
      created_after: 'Only accepted after this instant.',
      created_before: 'Only accepted before this instant.',
      limit: 'The most jobs; 50 unless said, 100 at most.',
      cursor: 'Of the page before.',
    },
    answers: { 200: { description: 'A page.', schema: TriagePage } },
    problems: ['job_token_only', 'list_unavailable'],
    examples: [
      { name: 'attention', summary: 'What needs a person', status: 200 },
      { name: 'stalled', summary: 'Workers that fell silent', query: { reason: 'stalled' }, status: 200 },
    ],
  },
  {
    route: 'GET /api/admin/jobs/:id',
    id: 'inspectJob',
    tag: 'Operation',
    summary: 'Open one actor',
    description:
      'State, reason, every clock, the alarm, attempts with their cost, the event log, what is owed, watchers, storage, and beside it the row in D1 with its drift. `findings` say in one sentence each why the job is where it is and what comes next. Looking writes nothing.',
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
      'Each action may be sent again, and is kept in the job’s log with who asked and why. `retry_now` does not wait for the backoff, and starts a new round of an ended job; `give_up` gives up the open attempt, which `round` and `attempt` name, for the next one, which follows at once; `recheck` asks RunPod now; `remirror` writes the row in D1 again; `redeliver` sends a webhook again; `delete` of an active job cancels it instead. Without a token, as in development, a page of another origin is refused.',
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
      'attempt_not_open',
      'no_attempt_left',
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
    route: 'POST /api/admin/jobs/actions',
    id: 'actOnJobs',
    tag: 'Operation',
    summary: 'Act on many jobs',
    description:
      'One action on all jobs that a filter of the list finds, at most 200 a call, the newest first; with `ids`, on those of them that the rest of the filter lets through. Ask with `dry_run` first: `left` then says how many there are, 20,000 at most. Each later call says how many are left, and gives the `cursor` to go on from; without one there are none. Only jobs whose status lets the action change something are counted and touched: `cancel` and `force_fail` take unfinished ones, `delete` and `retry_now` ended ones, `retry_now` also those that wait. What a job refuses is listed, and stops nothing.',
    body: BulkAction,
    answers: { 200: { description: 'What was done, and what is left.', schema: BulkDone } },
    problems: ['cross_origin', 'job_token_only', 'list_unavailable'],
    examples: [
      {
        name: 'count',
        summary: 'How many are there?',
        body: { action: 'cancel', reason: 'The campaign is over.', filter: { tag: 'spring' }, dry_run: true },
        status: 200,
      },
      {
        name: 'cancel',
        summary: 'Cancel them',
        body: { action: 'cancel', reason: 'The campaign is over.', filter: { tag: 'spring' } },
        status: 200,
      },
    ],
  },
  {
    route: 'GET /api/admin/lanes',
    id: 'readLanes',
    tag: 'Operation',
    summary: 'Read the lanes of all endpoints',
    description:
      'A lane stands in front of each RunPod endpoint: it lends its places, takes turns between projects, and stops while RunPod refuses. Told are the endpoints of the settings, and those that unfinished jobs still name. Looking writes nothing.',
    answers: { 200: { description: 'The lanes, by name.', schema: Lanes } },
    problems: ['project_forbidden', 'job_token_only', 'list_unavailable'],
    examples: [{ name: 'all', summary: 'Every lane', status: 200 }],
  },
  {
    route: 'POST /api/admin/lanes/:name/actions',
    id: 'actOnLane',
    tag: 'Operation',
    summary: 'Pause or resume a lane',
    description:
      'While a lane is paused, no job is sent to its endpoint; those that run go on, and those that wait say who paused it and why. `resume` ends the pause, and has RunPod tried at once where it refused. Either may be sent again.',
    path: LaneByName,
    notes: { name: 'Of the endpoint, as in the settings.' },
    body: LaneAction,
    answers: { 200: { description: 'Done.', schema: LaneActionDone } },
    problems: [
      'cross_origin',
      'project_forbidden',
      'job_token_only',
      'lane_not_found',
      'lane_unavailable',
      'list_unavailable',
    ],
    examples: [
      {
        name: 'pause',
        summary: 'Planned maintenance',
        body: { action: 'pause', reason: 'Planned maintenance.' },
        status: 200,
      },
    ],
  },
  {
    route: 'GET /api/admin/stats',
    id: 'readStatistics',
    tag: 'Operation',
    summary: 'Read figures over all jobs',
    description:
      'Of the jobs that ended in the window, at most the newest 20,000: `ended.cut` says when there were more. Percentiles are of the last round of each job. From D1, and of the lanes as they are now; no job’s actor is woken.',
    query: StatsQuery,
    notes: { window: 'How far back, as `24h` or `7d`; a day unless said, 31 days at most.' },
    answers: { 200: { description: 'The figures.', schema: Statistics } },
    problems: ['project_forbidden', 'job_token_only', 'list_unavailable'],
    examples: [
      { name: 'day', summary: 'The last day', status: 200 },
      { name: 'week', summary: 'The last week', query: { window: '7d' }, status: 200 },
    ],
  },
  {
    route: 'GET /api/admin/metrics',
    id: 'readMetrics',
    tag: 'Operation',
    summary: 'Scrape metrics',
    description:
      'OpenMetrics text; to a client that asks for `text/plain` alone, the text format that Prometheus had before it. Gauges are the list as it is now. Counters grow since the list began: what ended by `status`, `type` and error `code`, a job once for each of its rounds. From D1 and from the lanes; no job’s actor is woken.',
    answers: { 200: { description: 'The metrics.', mediaType: 'application/openmetrics-text' } },
    problems: ['project_forbidden', 'job_token_only', 'list_unavailable'],
    examples: [{ name: 'scrape', summary: 'All of them', status: 200 }],
  },
]
