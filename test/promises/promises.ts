/**
 * What the README promises, the test files that hold each promise, and for each of those one small way to break the
 * promise in the source that the file must notice. `cli.ts` breaks them one after the other.
 */
export interface Promised {
  /** As the README numbers them. */
  readonly number: number
  readonly proofs: readonly Proof[]
}

export interface Proof {
  readonly test: string
  /** What the reader of the table is told that this file shows. */
  readonly shows: string
  readonly mutant: Mutant
}

export interface Mutant {
  readonly name: string
  readonly file: string
  /** Must stand in the file exactly once. */
  readonly search: string
  readonly replace: string
}

const CORE = 'actors/export-job/core'

export const PROMISES: readonly Promised[] = [
  {
    number: 1,
    proofs: [
      {
        test: 'test/core/walk.test.ts',
        shows: 'from every state a job can reach, silence leads to an end',
        mutant: {
          name: 'the deadline does not end a job',
          file: `${CORE}/wake.ts`,
          search: '  if (draft.now < deadlineAt(draft.job)) return false\n',
          replace: '  if (draft.now < deadlineAt(draft.job) || draft.now > 0) return false\n',
        },
      },
      {
        test: 'test/core/simulation.test.ts',
        shows: 'thousands of worlds in which everything fails',
        mutant: {
          name: 'a stall is never looked into',
          file: `${CORE}/wake.ts`,
          search: '  if (now < phase.stallAt) return\n',
          replace: '  if (now > 0) return\n',
        },
      },
      {
        test: 'test/actor/eviction.test.ts',
        shows: 'every arrow of the diagram, the actor evicted between every two steps',
        mutant: {
          name: 'only what has a log line is committed',
          file: 'actors/export-job/export-job.ts',
          search: 'step.durable && !gone ? this.#store.commit',
          replace: 'step.durable && step.log.length > 0 && !gone ? this.#store.commit',
        },
      },
      {
        test: 'test/actor/recovery.test.ts',
        shows: 'lost alarms, lost answers, storage that fails',
        mutant: {
          name: 'the constructor does not heal',
          file: 'actors/export-job/export-job.ts',
          search: '    if (this.#job) void ctx.blockConcurrencyWhile(() => this.#heal())\n',
          replace: '',
        },
      },
    ],
  },
  {
    number: 2,
    proofs: [
      {
        test: 'test/core/late-reports.test.ts',
        shows: 'reports of closed attempts change nothing, and their workers are told to stop',
        mutant: {
          name: 'a report of a closed attempt is accepted',
          file: `${CORE}/reports.ts`,
          search: 'if (isWelcome(draft, attempt, event)) return openReport',
          replace: 'if (true) return openReport',
        },
      },
      {
        test: 'test/core/strangers.test.ts',
        shows: 'a second RunPod job under one attempt’s token is an orphan',
        mutant: {
          name: 'a stranger is taken for the attempt’s own job',
          file: `${CORE}/reports.ts`,
          search: '  if (stranger) return lateReport(draft, attempt, KIND[event.type])\n',
          replace: '  void stranger\n',
        },
      },
    ],
  },
  {
    number: 3,
    proofs: [
      {
        test: 'test/core/verify.test.ts',
        shows: 'no completion is believed before R2 shows the file',
        mutant: {
          name: 'a reported completion is believed without a look',
          file: `${CORE}/reports.ts`,
          search: '    misses: 0,\n    lookFailures: 0,\n  })\n',
          replace: `    misses: 0,
    lookFailures: 0,
  })
  const output = { key: attempt.outputKey, size: 1_000, etag: '' }
  draft.enter({ status: 'complete', output, winner: refOf(attempt), endedAt: now, expiresAt: now })
`,
        },
      },
      {
        test: 'test/core/rescue.test.ts',
        shows: 'a finished file whose word was lost is found before anything is paid for again',
        mutant: {
          name: 'another attempt is paid for without a look for the last one’s file',
          file: `${CORE}/attempts.ts`,
          search: "=== false ? 'done' : 'owed'",
          replace: "=== false ? 'done' : 'done'",
        },
      },
    ],
  },
  {
    number: 4,
    proofs: [
      {
        test: 'test/http/idempotency.test.ts',
        shows: 'one key makes one job, however often and however fast it is sent',
        mutant: {
          name: 'the key does not decide the id',
          file: 'src/routes/jobs-create.ts',
          search: 'key === null ? newId() : await idForKey(projectId, key)',
          replace: 'key === null ? newId() : await idForKey(projectId, key + Math.random())',
        },
      },
      {
        test: 'test/core/ambiguous-dispatch.test.ts',
        shows: 'a lost answer of /run never leads to two current attempts',
        mutant: {
          name: 'an ambiguous dispatch is sent again at once',
          file: `${CORE}/schedule.ts`,
          search: 'export const DISPATCH_GRACE_MS = 60 * SECOND',
          replace: 'export const DISPATCH_GRACE_MS = 0',
        },
      },
    ],
  },
  {
    number: 5,
    proofs: [
      {
        test: 'test/actor/watchers.test.ts',
        shows: 'replay, reset, eviction, and the last progress that is never lost',
        mutant: {
          name: 'the replay begins one event too late',
          file: 'actors/export-job/export-job.ts',
          search: 'this.#store.eventsAfter(after, lastSeq - after)',
          replace: 'this.#store.eventsAfter(after + 1, lastSeq - after)',
        },
      },
      {
        test: 'test/client/watch-storm.test.ts',
        shows: 'watchers that are cut off at random end with exactly the log',
        mutant: {
          name: 'the client forgets where it was',
          file: 'client/listen.ts',
          search: '{ after: tracker.seq ?? undefined }',
          replace: '{ after: undefined }',
        },
      },
    ],
  },
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
          search: "if (environment === 'development' && here) return DEVELOPER",
          replace: 'if (environment || here) return DEVELOPER',
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
        test: 'test/http/signatures.test.ts',
        shows: 'callbacks, uploads and downloads open only to their own signature, until it expires',
        mutant: {
          name: 'signatures are not compared',
          file: 'actors/signing.ts',
          search: 'given.length === expected.length && timingSafeEqual(given, expected)',
          replace: 'given.length === expected.length || timingSafeEqual(given, expected)',
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

/** The project of vitest.config.ts that runs a file. */
export function projectOf(test: string): string {
  if (test.startsWith('test/core/')) return 'core'
  return /^test\/(actor|http)\//.test(test) ? 'workerd' : 'node'
}
