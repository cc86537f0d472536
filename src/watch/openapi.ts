/** OpenAPI notes of the routes that watch one job. */
import { ById } from '../jobs/ids.ts'

import type { OperationNote } from '../openapi/operation.ts'
import { EventPage, EventsQuery, WatchQuery } from './schemas.ts'

export const WATCH_NOTES: readonly OperationNote[] = [
  {
    route: 'GET /api/jobs/:id/ws',
    id: 'watchJob',
    tag: 'Jobs',
    summary: 'Watch a job over a WebSocket',
    description:
      'JSON messages, each with `seq`: first `{type: "snapshot", seq, job}`, then `{type: "event", seq, event, job}` on each change and `{type: "progress", seq, progress, stage, eta_seconds}` in between; the last event, and the snapshot of a job that has ended, says `end: true`, and the socket closes with 1000. With `after` what was missed comes first, as `{type: "replay", from, to, events}`, or the snapshot says `reset: true`. The text `ping` is answered `pong`. Close codes: 4401 no valid token, or it has expired since: what comes after its end is not sent, dial again with a fresh one; 4403 scope missing, 4404 no such job, 1013 too many watchers, 1008 more than 20 messages other than `ping` in a minute, 1009 a message above a kilobyte.',
    path: ById,
    query: WatchQuery,
    notes: { after: 'The last number seen.' },
    answers: { 101: { description: 'The socket.' } },
    problems: ['upgrade_required', 'too_many_watchers'],
    examples: [{ name: 'upgrade', summary: 'Opened as a WebSocket', status: 101 }],
  },
  {
    route: 'GET /api/jobs/:id/events',
    id: 'readEvents',
    tag: 'Jobs',
    summary: 'Read the event log of a job, or follow it as server-sent events',
    description:
      'With `Accept: text/event-stream` the log is streamed: `id` is the number of the last line told, `event` is `event`, `snapshot`, `progress` or `end`, and `data` is the JSON of a message as on the WebSocket. `Last-Event-ID` resumes. The message of the last event says `end: true`; after the `end` that follows it the stream closes, and who comes back then is answered 204. A stream ends with the token that opened it, without `end`.',
    path: ById,
    query: EventsQuery,
    notes: {
      after: 'Lines after this number.',
      limit: 'The most lines; 100 unless said, 1000 at most: more is lowered to that.',
    },
    headers: {
      'Last-Event-ID': {
        description: 'The last `id` that a stream told.',
        example: '1',
        pattern: '^\\d{1,9}$',
      },
    },
    answers: {
      200: {
        description: 'A page of the log, oldest first.',
        schema: EventPage,
        mediaType: 'text/event-stream',
      },
      204: { description: 'To a stream that is resumed: there is nothing more to tell.' },
    },
    problems: ['events_gone', 'list_unavailable', 'too_many_watchers'],
    examples: [
      {
        name: 'first',
        summary: 'The beginning of the log',
        query: { after: '0', limit: '10' },
        status: 200,
        answer: {
          events: [
            {
              seq: 1,
              type: 'created',
              at: '2026-01-01T10:00:00.000Z',
              round: null,
              attempt: null,
              data: { type: 'trim', by: 'development' },
            },
          ],
          next_after: 1,
          first_seq: 1,
          last_seq: 1,
        },
      },
      {
        name: 'stream',
        summary: 'The same, streamed',
        headers: { Accept: 'text/event-stream' },
        status: 200,
      },
    ],
  },
]
