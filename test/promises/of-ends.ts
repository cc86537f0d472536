/** Promises 6 to 10: how a job ends and is listed, who gets in, and what idleness costs. */
import { CORE, type Promised } from './promised.ts'

export const OF_ENDS: readonly Promised[] = [
  {
    number: 6,
    proofs: [
      {
        test: 'test/core/cancel.test.ts',
        shows: 'cancelled only once RunPod confirmed it, or openly unconfirmed after ten minutes',
        mutant: {
          name: 'an unconfirmed cancel counts as confirmed',
          file: `${CORE}/answers.ts`,
          search: "if (answer.kind === 'unconfirmed' ||",
          replace: 'if (',
        },
      },
      {
        test: 'test/core/owed-cancel.test.ts',
        shows: 'a cancel stays owed until the ttl',
        mutant: {
          name: 'the cancel is forgotten when an attempt is given up',
          file: `${CORE}/attempts.ts`,
          search: '  oweCancel(draft, ref)\n',
          replace: '',
        },
      },
    ],
  },
  {
    number: 7,
    proofs: [
      {
        test: 'test/core/mirror.test.ts',
        shows: 'what changed while a write was under way is still owed',
        mutant: {
          name: 'an acknowledgment of an older row clears the mirror',
          file: `${CORE}/outbox.ts`,
          search: 'if (outbox.mirror && outbox.mirror.version <= event.version)',
          replace: 'if (outbox.mirror)',
        },
      },
      {
        test: 'test/http/sweep.test.ts',
        shows: 'the sweep repairs rows and revives jobs whose alarm was lost',
        mutant: {
          name: 'the sweep passes over overdue rows',
          file: 'src/sweep.ts',
          search: 'if (found) return',
          replace: 'if (found || row.version >= 0) return',
        },
      },
    ],
  },
  {
    number: 8,
    proofs: [
      {
        test: 'test/actor/endings.test.ts',
        shows: 'no object, no row and no storage are left once the last upload URL has expired',
        mutant: {
          name: 'erasing leaves the outputs',
          file: 'actors/export-job/perform.ts',
          search: '  await removeUnder(env.VIDEOS, outputPrefix(id), null, signal)\n',
          replace: '',
        },
      },
      {
        test: 'test/actor/endings.test.ts',
        shows: 'a deleted job whose alarm is lost is erased to the end by the sweep',
        mutant: {
          name: 'the first erase removes the row that the sweep finds the actor by',
          file: 'actors/mirror.ts',
          search: '    due_at: until,\n',
          replace: '    due_at: now + 1e12,\n',
        },
      },
      {
        test: 'test/actor/endings.test.ts',
        shows: 'what the deployment put there for everybody stays',
        mutant: {
          name: 'an object without this project’s mark is removed',
          file: 'actors/videos.ts',
          search: 'return object?.customMetadata?.project === String(projectId) ? object : null',
          replace:
            'return [undefined, String(projectId)].includes(object?.customMetadata?.project) ? object : null',
        },
      },
      {
        test: 'test/http/unused-uploads.test.ts',
        shows: 'an upload is removed only when no job named it for a second week',
        mutant: {
          name: 'the sweep does without the second grace',
          file: 'src/unused-uploads.ts',
          search: 'now - (notes.get(key) ?? now) > NOTED_MS',
          replace: 'now - (notes.get(key) ?? 0) > NOTED_MS',
        },
      },
      {
        test: 'test/http/lost-list.test.ts',
        shows: 'no file is removed because the list was wiped or set back',
        mutant: {
          name: 'a list that lost its rows is believed',
          file: 'src/list-trust.ts',
          search: 'const epoch = own === null || isSetBack ? now : own.created_at',
          replace: 'const epoch = own === null ? 0 : own.created_at',
        },
      },
      {
        test: 'test/http/unused-uploads.test.ts',
        shows: 'what was noted before a silence is void',
        mutant: {
          name: 'old notes hold after a restore',
          file: 'src/list-trust.ts',
          search: 'if (epoch === now || now - lastRunAt > LONGEST_SILENCE_MS) {',
          replace: 'if (now < 0) {',
        },
      },
      {
        test: 'test/core/delete.test.ts',
        shows: 'the tombstone looks once more when the last URL has expired',
        mutant: {
          name: 'a deleted job is gone before its last upload URL has expired',
          file: `${CORE}/outbox.ts`,
          search: 'if (now >= phase.until && ',
          replace: 'if (',
        },
      },
    ],
  },
  {
    number: 9,
    proofs: [
      {
        test: 'test/http/auth.test.ts',
        shows: 'production without a strong secret serves nothing; no token, no entry',
        mutant: {
          name: 'production takes the developer for granted',
          file: 'src/auth.ts',
          search: "environment === 'development' ? doubtOf(request, url) :",
          replace: 'environment ? doubtOf(request, url) :',
        },
      },
      {
        test: 'test/http/authorization.test.ts',
        shows: 'every route against seven kinds of authority',
        mutant: {
          name: 'a job of another project is shown',
          file: 'src/routes/job-id.ts',
          search: '  if (view.found) requireProject(caller, peek(view.job).project_id)\n',
          replace: '  void [view, requireProject, peek]\n',
        },
      },
      {
        test: 'test/http/limits.test.ts',
        shows: 'the limit of unfinished jobs holds at every door',
        mutant: {
          name: 'a retry needs no place',
          file: 'src/places.ts',
          search:
            "if (most === null || !row || (row.status !== 'error' && row.status !== 'cancelled')) return command()",
          replace: 'if (most === null || !row || row) return command()',
        },
      },
      {
        test: 'test/http/token-end.test.ts',
        shows: 'a socket, a stream and a wait end with the token that opened them',
        mutant: {
          name: 'a socket outlives its token',
          file: 'actors/export-job/watchers.ts',
          search: '      if (note && holds(note.until, now)) return true\n',
          replace: '      if (note) return true\n',
        },
      },
      {
        test: 'test/http/signatures.test.ts',
        shows: 'callbacks, uploads and downloads open only to their own signature, until it expires',
        mutant: {
          name: 'signatures are not compared',
          file: 'actors/signing.ts',
          search: 'given.length === expected.length && timingSafeEqual(given, expected)',
          replace: 'given.length === expected.length || timingSafeEqual(given, expected)',
        },
      },
      {
        test: 'test/http/ownership.test.ts',
        shows: 'a link names its project',
        mutant: {
          name: 'a download is signed without its project',
          file: 'actors/signing.ts',
          search: 'const params = { project: String(projectId), ...',
          replace: 'void projectId\n  const params = { ...',
        },
      },
      {
        test: 'test/http/ownership.test.ts',
        shows: 'a link opens nothing of another project',
        mutant: {
          name: 'the owner of a file is not compared with the project of its link',
          file: 'src/routes/downloads.ts',
          search: 'if (!belongsTo(object, projectId)) return false',
          replace: 'void [belongsTo, projectId]',
        },
      },
      {
        test: 'test/actor/ownership.test.ts',
        shows: 'no view signs for a file before it was seen whose it is',
        mutant: {
          name: 'a view signs for an input before its ownership was seen',
          file: 'actors/owned-file.ts',
          search: 'return inputsSeen(job) ?',
          replace: 'return inputsSeen(job) || job ?',
        },
      },
    ],
  },
  {
    number: 10,
    proofs: [
      {
        test: 'test/actor/clocks.test.ts',
        shows: 'nothing rings for an ended job but what it owes and its retention',
        mutant: {
          name: 'an ended job rings before it must',
          file: `${CORE}/schedule.ts`,
          search: "else if (owesNothing(job)) add('retention', phase.expiresAt)",
          replace: "else add('retention', phase.expiresAt - MINUTE)",
        },
      },
      {
        test: 'test/actor/watcher-crowd.test.ts',
        shows: 'an open socket lets its actor sleep, and pings do not wake it',
        mutant: {
          name: 'pings are left to the actor',
          file: 'actors/export-job/watchers.ts',
          search: "      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))\n",
          replace: '',
        },
      },
      {
        test: 'test/actor/budget.test.ts',
        shows: 'rows, alarms and D1 writes of a whole job stay within their budget',
        mutant: {
          name: 'every report is written',
          file: `${CORE}/schedule.ts`,
          search: 'export const PROGRESS_SAVE_MS = 10 * SECOND',
          replace: 'export const PROGRESS_SAVE_MS = 0',
        },
      },
    ],
  },
]
