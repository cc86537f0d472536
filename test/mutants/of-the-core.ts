/** Mutants of guards in the core, except those listed under a promise. */
import { CORE, type Mutant, USUAL_RUNS } from './mutant.ts'

export const OF_THE_CORE: readonly Mutant[] = [
  {
    name: 'a completion revives an ended job',
    runs: USUAL_RUNS,
    file: `${CORE}/transition.ts`,
    search: "  if (verdict === 'late') return lateFact(draft, attempt, event)\n",
    replace: `  if (signal.type === 'done' && 'endedAt' in draft.job.phase) {
    draft.attempt(attempt, { endedAt: null })
    const fresh = { since: draft.now, lookAt: draft.now, misses: 0, lookFailures: 0 }
    return draft.enter({ status: 'processing', step: 'verifying', ...fresh })
  }
  if (verdict === 'late') return lateFact(draft, attempt, event)
`,
  },
  {
    name: 'a closed attempt is not told to stop',
    runs: USUAL_RUNS,
    file: `${CORE}/fence.ts`,
    search: '  draft.reply = STOP\n  const latest',
    replace: '  const latest',
  },
  {
    name: 'an error report overrules a completion that is being verified',
    runs: 100_000,
    file: `${CORE}/states/verifying.ts`,
    search: '    switch (signal.type) {\n',
    replace:
      "    if (signal.type === 'failed') return giveUp(draft, attempt, signal.failure)\n    switch (signal.type) {\n",
  },
  {
    name: 'a look that R2 did not answer counts as a miss',
    runs: USUAL_RUNS,
    file: `${CORE}/states/waiting.ts`,
    search: 'return draft.enter({ ...phase, lookTries: phase.lookTries + 1 })',
    replace: "return draft.enter({ ...phase, look: 'done', nextAttemptAt: draft.now })",
  },
  {
    name: 'the queue timeout ends a job without a look',
    runs: 150_000,
    file: `${CORE}/states/queued.ts`,
    search: 'true), { last: true })',
    replace: 'true), { last: true, outputMayExist: false })',
  },
  {
    name: 'a 404 of a young job is believed when it is cancelled',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/cancels.ts`,
    search: "answer.kind === 'missing' && isNew",
    replace: "answer.kind === 'missing' && isNew && draft.now < 0",
  },
  {
    name: 'a cancel is confirmed while a dispatch is in flight',
    runs: USUAL_RUNS,
    file: `${CORE}/remote.ts`,
    search: "attempt.remote !== 'ended' && now < attempt.ttlEndsAt",
    replace: "attempt.remote === 'live' && now < attempt.ttlEndsAt",
  },
  {
    name: 'the deadline has no clock',
    runs: USUAL_RUNS,
    file: `${CORE}/clock.ts`,
    search: 'job.roundStartedAt + job.request.policy.deadlineMs\n',
    replace: 'job.roundStartedAt + 100 * job.request.policy.deadlineMs\n',
  },
  {
    name: 'an end is not mirrored',
    runs: USUAL_RUNS,
    file: `${CORE}/draft.ts`,
    search: '  #mirrorDueAt(): number {\n',
    replace:
      "  #mirrorDueAt(): number {\n    if ('endedAt' in this.job.phase) return this.now + 10 * 86_400_000\n",
  },
  {
    name: 'stale files are swept once only',
    runs: 100_000,
    file: `${CORE}/debts/stale-files.ts`,
    search: 'const again = !sweep.last && lastLookAt > draft.now',
    replace: 'const again = !sweep.last && lastLookAt < 0',
  },
  {
    name: 'the sweep takes the winner along',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/stale-files.ts`,
    search: 'keep: winner === null ? [] : [winner, posterKeyOf(winner)]',
    replace: 'keep: []',
  },
  {
    name: 'the sweep takes the poster of the winner along',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/stale-files.ts`,
    search: '[winner, posterKeyOf(winner)]',
    replace: '[winner]',
  },
  {
    name: 'a job is retired before its last upload URL has expired',
    runs: 400_000,
    file: `${CORE}/endings.ts`,
    search: ', lastUploadEndsAt(job))',
    replace: ')',
  },
  {
    name: 'the retirement is begun before it is committed',
    test: 'test/core/retention.test.ts',
    file: `${CORE}/debts/archive.ts`,
    search: '  draft.keep({ outbox: { archive: nextTry(draft, 0) } })',
    replace: '  draft.lease({ outbox: { archive: nextTry(draft, 0) } })',
  },
  {
    name: 'a cancel undoes a complete job',
    runs: USUAL_RUNS,
    file: `${CORE}/commands.ts`,
    search: '  if (!isActive(draft.job.phase)) return\n',
    replace:
      "  if (draft.job.phase.status === 'complete') return beginCancel(draft)\n  if (!isActive(draft.job.phase)) return\n",
  },
  {
    name: 'a finished request that runs again is let run',
    runs: USUAL_RUNS,
    file: `${CORE}/fence.ts`,
    search: "  if (event.type === 'progressed') return false\n",
    replace: '',
  },
  {
    name: 'a stray is told to stop, but not cancelled',
    runs: USUAL_RUNS,
    file: `${CORE}/fence.ts`,
    search: "  if (event.type === 'progressed') oweStray(draft, attempt, event.runpodJobId)\n",
    replace: '',
  },
  {
    name: 'a run that RunPod said it did not take is left running',
    test: 'test/core/late-reports.test.ts',
    file: `${CORE}/fence.ts`,
    search: '    runsAfterAll(draft, attempt)\n',
    replace: '',
  },
  {
    name: 'a file that was slow to arrive is not looked for before the next attempt',
    test: 'test/core/verify.test.ts',
    file: `${CORE}/endings.ts`,
    search: 'countedAttempts(job) < job.request.policy.maxAttempts && budgetLeftMs(job, now) > 0',
    replace: 'countedAttempts(job) < 0 && budgetLeftMs(job, now) > 0',
  },
  {
    name: 'progress is never stored on its own',
    runs: 2 * USUAL_RUNS,
    file: `${CORE}/draft.ts`,
    search: '>= PROGRESS_SAVE_MS\n',
    replace: '< 0\n',
  },
  {
    name: 'a run is cancelled where the settings point to by now',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/cancels.ts`,
    search: 'endpoint: attempt.endpoint ?? null',
    replace: 'endpoint: null',
  },
  {
    name: 'a run is asked about where the settings point to by now',
    runs: USUAL_RUNS,
    file: `${CORE}/states/polling.ts`,
    search: 'const { endpoint = null } = attempt',
    replace: 'const endpoint = attempt.endpoint ? null : null',
  },
  {
    name: 'a refusal uses up an attempt',
    runs: USUAL_RUNS,
    file: `${CORE}/refusals.ts`,
    search: 'failure, uncounted: true })',
    replace: 'failure })',
  },
  {
    name: 'a refusal is given up like a failure',
    runs: USUAL_RUNS,
    file: `${CORE}/states/dispatching.ts`,
    search:
      "if (signal.type === 'dispatchRefused' && signal.cause !== 'job') return postpone(draft, attempt, signal)",
    replace: "if (signal.type === 'dispatchRefused') return giveUp(draft, attempt, signal.failure)",
  },
  {
    name: 'every attempt is dispatched twice',
    runs: USUAL_RUNS,
    file: `${CORE}/states/dispatching.ts`,
    search: "  draft.ask({ type: 'dispatch', attempt, endpoint, tellOutcome })\n",
    replace:
      "  draft.ask({ type: 'dispatch', attempt, endpoint, tellOutcome })\n  draft.ask({ type: 'dispatch', attempt, endpoint, tellOutcome })\n",
  },
  {
    name: 'a lease that does not move its clock',
    runs: 100_000,
    file: `${CORE}/states/verifying.ts`,
    search: '    draft.lease({ phase: { ...phase, lookAt } })\n',
    replace: '    void lookAt\n',
  },
  {
    name: 'a webhook that was taken stays owed',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/webhooks.ts`,
    search: "    count(draft, 'taken')\n    settle(draft, owed)\n",
    replace: "    count(draft, 'taken')\n",
  },
  {
    name: 'a webhook is tried once only',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/webhooks.ts`,
    search: 'if (data.tries > WEBHOOK_PAUSES_MS.length) {',
    replace: 'if (data.tries > 0) {',
  },
  {
    name: 'a webhook is tried for ever',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/webhooks.ts`,
    search: 'if (data.tries > WEBHOOK_PAUSES_MS.length) {',
    replace: 'if (data.tries > 100) {',
  },
  {
    name: 'every pause between the tries of a webhook is the first one',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/webhooks.ts`,
    search: 'const pause = WEBHOOK_PAUSES_MS[tries] ?? 24 * HOUR',
    replace: 'const pause = WEBHOOK_PAUSES_MS[tries * 0] ?? 24 * HOUR',
  },
  {
    name: '410 is a failure like any other',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/webhooks.ts`,
    search: '    if (fact.gone) {\n',
    replace: '    if (fact.gone && data.tries < 0) {\n',
  },
  {
    name: 'a retried round is not told of',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/webhooks.ts`,
    search: '  if (!webhook || job.outbox.webhooksRefused) return\n',
    replace: '  if (!webhook || job.outbox.webhooksRefused || job.round > 1) return\n',
  },
  {
    name: 'a deleted job is told of all the same',
    runs: USUAL_RUNS,
    file: `${CORE}/commands.ts`,
    search: 'archive: null, webhooks: [], webhooksSettled: [] }',
    replace: 'archive: null, webhooksSettled: [] }',
  },
  {
    name: 'a job is retired before its receiver was told',
    runs: USUAL_RUNS,
    file: `${CORE}/debts/index.ts`,
    search: 'debt.clocks(job).length === 0)',
    replace: "debt.clocks(job).every(({ name }) => name === 'webhook'))",
  },
]
