/** Promises 1 to 5: how a job is run, and watched. */
import { CORE, type Promised } from './promised.ts'

export const OF_RUNNING_JOBS: readonly Promised[] = [
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
          search: '  if (stranger) return strangersReport(draft, attempt, event)\n',
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
          search: '{ after: tracker.seq ?? undefined, token }',
          replace: '{ after: undefined, token }',
        },
      },
    ],
  },
]
