/**
 * `processing`, reported as done: complete once R2 has the file. Apart from a rescued file, the only way to `complete`.
 */
import { attemptName, openAttempt, refOf } from '../attempts.ts'
import type { Draft } from '../draft.ts'
import { anotherFollows, endComplete, giveUp } from '../endings.ts'
import type { Signal } from '../events.ts'
import type { Attempt } from '../job.ts'
import type { PhaseIn } from '../phase.ts'
import { backoffMs, LOOKS } from '../policy.ts'
import { countAfterAll } from '../refusals.ts'
import { failure } from '../verdicts.ts'
import type { State } from './state.ts'

/** A message describes what the result lacks, and is kept with the job. */
export function enterVerifying(
  draft: Draft,
  attempt: Attempt,
  { source: doneBy, message }: Extract<Signal, { type: 'done' }>,
): void {
  const { now, job } = draft
  countAfterAll(draft, attempt)
  draft.attempt(attempt, { runningAt: attempt.runningAt ?? now, endedAt: null, failure: null, doneBy })
  draft.progress({ ...job.progress, stage: 'storing', message, etaMs: null })
  draft.enter({
    status: 'processing',
    step: 'verifying',
    since: now,
    lookAt: now,
    misses: 0,
    lookFailures: 0,
  })
  const data = { source: doneBy, ...(message !== null && { message }) }
  draft.note({ type: 'verifying', ref: refOf(attempt), data })
}

export const verifying: State<PhaseIn<'verifying'>> = {
  /** A failure reported after the completion is ignored: R2 decides. A failed check does not count as a miss. */
  on(draft, phase, signal, attempt) {
    switch (signal.type) {
      case 'outputSeen':
        return endComplete(draft, attempt, signal.object, draft.job.progress.message)
      case 'outputAbsent': {
        const misses = phase.misses + 1
        if (misses >= LOOKS) {
          return giveUp(draft, attempt, OUTPUT_MISSING, { outputMayExist: anotherFollows(draft) })
        }
        return draft.enter({ ...phase, misses, lookAt: draft.now + pauseMs(draft, misses - 1) })
      }
      case 'lookFailed':
        return draft.enter({ ...phase, lookFailures: phase.lookFailures + 1 })
    }
  },

  due(draft, phase) {
    const attempt = openAttempt(draft.job)
    if (draft.now < phase.lookAt || !attempt) return
    const lookAt = draft.now + pauseMs(draft, phase.lookFailures)
    draft.lease({ phase: { ...phase, lookAt } })
    draft.ask({ type: 'look', ref: refOf(attempt), outputKey: attempt.outputKey })
  },

  clocks: ({ lookAt }) => [{ name: 'verify', at: lookAt, what: 'look for the output in storage' }],

  words: (job) => `${attemptName(job)} reported completion; its output is being looked for in storage.`,
}

function pauseMs({ job }: Draft, tries: number): number {
  return backoffMs(`${job.request.id}:verify`, tries)
}

const OUTPUT_MISSING = failure(
  'output_missing',
  'The worker reported completion, but its output is not in storage.',
  true,
)
