/**
 * Small ways to break the core, or the simulated shell and stores around it. Each must be noticed by the simulation;
 * `runs` is how many it gets, where the default does not do.
 */
export interface Mutant {
  readonly name: string
  readonly file: string
  /** Must stand in the file exactly once. */
  readonly search: string
  readonly replace: string
  readonly runs?: number
}

const CORE = 'actors/export-job/core'
const SIMULATION = 'test/core/simulation'

export const MUTANTS: readonly Mutant[] = [
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
    search: 'export function verify(draft: Draft, attempt: Attempt): void {\n',
    replace: `export function verify(draft: Draft, attempt: Attempt): void {
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
    search: '  return job.roundStartedAt + job.request.policy.deadlineMs\n',
    replace: '  return job.roundStartedAt + 100 * job.request.policy.deadlineMs\n',
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
    search: 'const again = !outbox.sweep.last && lastUrlExpiresAt > now',
    replace: 'const again = !outbox.sweep.last && lastUrlExpiresAt < 0',
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
    search: ', ...job.attempts.map((attempt) => attempt.ttlEndsAt))',
    replace: ')',
    runs: 400_000,
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
  {
    name: 'shell: a dispatch is sent before it is committed',
    file: `${SIMULATION}/actor.ts`,
    search: "const durable = step.durable && step.job.phase.status !== 'gone'",
    replace:
      "const durable = step.durable && step.job.phase.status !== 'gone' && !step.effects.some((each) => each.type === 'dispatch')",
  },
  {
    name: 'shell: only steps with a log line are committed',
    file: `${SIMULATION}/actor.ts`,
    search: "const durable = step.durable && step.job.phase.status !== 'gone'",
    replace: "const durable = step.durable && step.job.phase.status !== 'gone' && step.log.length > 0",
  },
  {
    name: 'shell: the alarm is not set again',
    file: `${SIMULATION}/actor.ts`,
    search: '    if (next !== null) this.#arm(memory, next)\n',
    replace: '    void next\n',
  },
  {
    name: 'shell: an earlier wake does not move the alarm',
    file: `${SIMULATION}/actor.ts`,
    search: 'const isEarlier = at !== null && (memory.armedAt === null || at < memory.armedAt)',
    replace: 'const isEarlier = at !== null && memory.armedAt === null',
  },
  {
    name: 'shell: a lost alarm is taken for set',
    file: `${SIMULATION}/actor.ts`,
    search: '    if (memory.armedAt === null || at < memory.armedAt) this.#arm(memory, at)\n',
    replace: '    memory.armedAt ??= at\n',
  },
  {
    name: 'shell: log lines are lost when the process dies',
    file: `${SIMULATION}/actor.ts`,
    search: '      this.disk.log.push(...step.log)\n      this.#world.watch.committed(step)\n',
    replace: '      this.#world.watch.committed(step)\n      this.disk.log.push(...step.log)\n',
  },
  {
    name: 'D1: an older row overwrites a newer one',
    file: `${SIMULATION}/stores.ts`,
    search: 'const isNewer = before !== null && before.version > row.version',
    replace: 'const isNewer = false',
  },
  {
    name: 'R2: an upload URL never expires',
    file: `${SIMULATION}/worker.ts`,
    search: 'this.#world.wall < this.#job.putUntil && bucket.put',
    replace: 'bucket.put',
    runs: 100_000,
  },
]
