/** Guards of the core, each taken away. */
import type { Mutant } from './mutant.ts'

const CORE = 'actors/export-job/core'

export const MUTANTS_OF_THE_CORE: readonly Mutant[] = [
  {
    name: 'a report of a closed attempt is accepted',
    file: `${CORE}/reports.ts`,
    search: 'if (isWelcome(draft, attempt, event)) return openReport',
    replace: 'if (true) return openReport',
  },
  {
    name: 'a completion revives an ended job',
    file: `${CORE}/reports.ts`,
    search: "return event.type === 'completed' && waiting && latest",
    replace: "return event.type === 'completed' && latest",
  },
  {
    name: 'a closed attempt is not told to stop',
    file: `${CORE}/reports.ts`,
    search: '  draft.reply = { ok: true, cancel: true }\n  const count',
    replace: '  const count',
  },
  {
    name: 'a reported completion is believed without a look',
    file: `${CORE}/reports.ts`,
    search: 'export function verify(draft: Draft, attempt: Attempt, doneBy: DoneBy): void {\n',
    replace: `export function verify(draft: Draft, attempt: Attempt, doneBy: DoneBy): void {
  if (attempt.endedAt === null) {
    const output = { key: attempt.outputKey, size: 1_000, etag: '' }
    const at = { endedAt: draft.now, expiresAt: attempt.ttlEndsAt }
    return draft.enter({ status: 'complete', output, winner: refOf(attempt), ...at })
  }
`,
  },
  {
    name: 'an error report overrules a completion that is being verified',
    file: `${CORE}/reports.ts`,
    search:
      "      if (phase.status === 'processing' && phase.step === 'verifying') return\n      return giveUp",
    replace: '      void phase\n      return giveUp',
    runs: 100_000,
  },
  {
    name: 'another attempt is paid for without a rescue look',
    file: `${CORE}/attempts.ts`,
    search: "=== false ? 'done' : 'owed'",
    replace: "=== false ? 'done' : 'done'",
  },
  {
    name: 'a look that R2 did not answer counts as a miss',
    file: `${CORE}/answers.ts`,
    search: "    case 'lookFailed':\n      return draft.enter({ ...phase, lookTries: phase.lookTries + 1 })",
    replace:
      "    case 'lookFailed':\n      return draft.enter({ ...phase, look: 'done', nextAttemptAt: draft.now })",
  },
  {
    name: 'the queue timeout ends a job without a look',
    file: `${CORE}/observations.ts`,
    search: 'true), { last: true })',
    replace: 'true), { last: true, outputMayExist: false })',
    runs: 150_000,
  },
  {
    name: 'the cancel is forgotten when an attempt is given up',
    file: `${CORE}/attempts.ts`,
    search: '  oweCancel(draft, ref)\n',
    replace: '',
  },
  {
    name: 'an unconfirmed cancel counts as confirmed',
    file: `${CORE}/answers.ts`,
    search: "if (answer.kind === 'unconfirmed' ||",
    replace: 'if (',
  },
  {
    name: 'a 404 of a young job is believed when it is cancelled',
    file: `${CORE}/answers.ts`,
    search: '< YOUNG_MS\n',
    replace: '< 0\n',
  },
  {
    name: 'a cancel is confirmed while a dispatch is in flight',
    file: `${CORE}/remote.ts`,
    search: "attempt.remote !== 'ended' && now < attempt.ttlEndsAt",
    replace: "attempt.remote === 'live' && now < attempt.ttlEndsAt",
  },
  {
    name: 'the deadline does not end a job',
    file: `${CORE}/wake.ts`,
    search: '  if (draft.now < deadlineAt(draft.job)) return false\n',
    replace: '  if (draft.now < deadlineAt(draft.job) || draft.now > 0) return false\n',
  },
  {
    name: 'the deadline has no clock',
    file: `${CORE}/schedule.ts`,
    search: 'job.roundStartedAt + job.request.policy.deadlineMs\n',
    replace: 'job.roundStartedAt + 100 * job.request.policy.deadlineMs\n',
  },
  {
    name: 'a stall is never looked into',
    file: `${CORE}/wake.ts`,
    search: '  if (now < phase.stallAt) return\n',
    replace: '  if (now > 0) return\n',
  },
  {
    name: 'an acknowledgment of an older row clears the mirror',
    file: `${CORE}/outbox.ts`,
    search: 'if (outbox.mirror && outbox.mirror.version <= event.version)',
    replace: 'if (outbox.mirror)',
  },
  {
    name: 'an end is not mirrored',
    file: `${CORE}/draft.ts`,
    search: '  #mirrorDueAt(): number {\n',
    replace:
      "  #mirrorDueAt(): number {\n    if ('endedAt' in this.job.phase) return this.now + 10 * 86_400_000\n",
  },
  {
    name: 'stale files are swept once only',
    file: `${CORE}/outbox.ts`,
    search: 'const again = !outbox.sweep.last && lastLookAt > now',
    replace: 'const again = !outbox.sweep.last && lastLookAt < 0',
    runs: 100_000,
  },
  {
    name: 'the sweep takes the winner along',
    file: `${CORE}/wake.ts`,
    search: "keep: job.phase.status === 'complete' ? job.phase.output.key : null",
    replace: 'keep: null',
  },
  {
    name: 'a deleted job is gone before its last upload URL has expired',
    file: `${CORE}/outbox.ts`,
    search: 'if (now >= phase.until && ',
    replace: 'if (',
    runs: 100_000,
  },
  {
    name: 'a job is retired before its last upload URL has expired',
    file: `${CORE}/endings.ts`,
    search: ', lastUploadEndsAt(job))',
    replace: ')',
    runs: 400_000,
  },
  {
    name: 'the retirement is begun before it is committed',
    file: `${CORE}/wake.ts`,
    search: '  else draft.owe({ archive: owed })',
    replace: '  else draft.lease({ outbox: { archive: owed } })',
    runs: 100_000,
  },
  {
    name: 'a cancel undoes a complete job',
    file: `${CORE}/transition.ts`,
    search:
      "    case 'cancelling':\n    case 'complete':\n    case 'error':\n    case 'cancelled':\n      return\n",
    replace:
      "    case 'complete':\n      return endCancelled(draft, now, true)\n    case 'cancelling':\n    case 'error':\n    case 'cancelled':\n      return\n",
  },
  {
    name: 'a finished request that runs again is let run',
    file: `${CORE}/reports.ts`,
    search: "  if (event.type === 'progressed') return false\n",
    replace: '',
  },
  {
    name: 'a stray is told to stop, but not cancelled',
    file: `${CORE}/reports.ts`,
    search: "  if (event.type === 'progressed') oweStray(draft, attempt, event.runpodJobId)\n",
    replace: '',
  },
  {
    name: 'a run that RunPod said it did not take is left running',
    file: `${CORE}/reports.ts`,
    search: '    runsAfterAll(draft, attempt)\n',
    replace: '',
    runs: 100_000,
  },
  {
    name: 'a file that was slow to arrive is not looked for before the next attempt',
    file: `${CORE}/answers.ts`,
    search: '  return attempt.attempt < draft.job.request.policy.maxAttempts\n',
    replace: '  return attempt.attempt < 0\n',
    runs: 100_000,
  },
  {
    name: 'progress is never stored on its own',
    file: `${CORE}/draft.ts`,
    search: '>= PROGRESS_SAVE_MS\n',
    replace: '< 0\n',
  },
  {
    name: 'every attempt is dispatched twice',
    file: `${CORE}/attempts.ts`,
    search: "  draft.ask({ type: 'dispatch', attempt })\n",
    replace: "  draft.ask({ type: 'dispatch', attempt })\n  draft.ask({ type: 'dispatch', attempt })\n",
  },
  {
    name: 'a lease that does not move its clock',
    file: `${CORE}/wake.ts`,
    search: '  draft.lease({ phase: { ...phase, lookAt } })\n',
    replace: '  void lookAt\n',
    runs: 100_000,
  },
  {
    name: 'a webhook that was taken stays owed',
    file: `${CORE}/webhooks.ts`,
    search: "  if (event.type === 'delivered') {\n    settle(draft, owed)\n",
    replace: "  if (event.type === 'delivered') {\n",
  },
  {
    name: 'a webhook is tried once only',
    file: `${CORE}/webhooks.ts`,
    search: 'if (tries > WEBHOOK_PAUSES_MS.length) {',
    replace: 'if (tries > 0) {',
  },
  {
    name: 'a webhook is tried for ever',
    file: `${CORE}/webhooks.ts`,
    search: 'if (tries > WEBHOOK_PAUSES_MS.length) {',
    replace: 'if (tries > 100) {',
  },
  {
    name: 'every pause between the tries of a webhook is the first one',
    file: `${CORE}/webhooks.ts`,
    search: 'const pause = WEBHOOK_PAUSES_MS[tries] ?? 24 * HOUR',
    replace: 'const pause = WEBHOOK_PAUSES_MS[tries * 0] ?? 24 * HOUR',
  },
  {
    name: '410 is a failure like any other',
    file: `${CORE}/webhooks.ts`,
    search: '  if (event.gone) {\n',
    replace: '  if (event.gone && tries < 0) {\n',
  },
  {
    name: 'a retried round is not told of',
    file: `${CORE}/webhooks.ts`,
    search: '  if (!webhook || job.outbox.webhooksRefused) return\n',
    replace: '  if (!webhook || job.outbox.webhooksRefused || job.round > 1) return\n',
  },
  {
    name: 'a deleted job is told of all the same',
    file: `${CORE}/transition.ts`,
    search: 'archive: null, webhooks: [], webhooksSettled: [] })',
    replace: 'archive: null, webhooksSettled: [] })',
  },
  {
    name: 'a job is retired before its receiver was told',
    file: `${CORE}/schedule.ts`,
    search: '!sweep && webhooks.length === 0 &&',
    replace: '!sweep && webhooks.length >= 0 &&',
  },
]
