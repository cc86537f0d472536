import { describe, expect, test } from 'vitest'
import type { Event } from '../../actors/export-job/core/events.ts'
import {
  aFailure,
  CANCEL,
  cancelAnswered,
  DAY,
  DELETE,
  dispatchRefused,
  extendDeadline,
  FORCE_FAIL,
  giveUpAttempt,
  HOUR,
  mirrored,
  observed,
  outputAbsent,
  RECHECK,
  RETRY_NOW,
  REWRITE_ROW,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import type { Story } from '../support/node/given.ts'
import {
  aCancelledJob,
  aCancellingJob,
  aCompleteJob,
  acknowledged,
  aDispatchingJob,
  aFailedJob,
  anAcceptedJob,
  anAmbiguousJob,
  aQueuedJob,
  aRunningJob,
  aVerifyingJob,
  aWaitingJob,
} from '../support/node/stages.ts'

const deleting = () => aFailedJob().when(DELETE)
const LATER = extendDeadline(T0 + 2 * DAY)

type Answers = [
  retryNow: string,
  forceFail: string,
  recheck: string,
  rewriteRow: string,
  extendDeadline: string,
]

/** The result of each intervention in each state: a refusal by its code, the new status, or the log line. */
const TABLE: [string, () => Story, ...Answers][] = [
  [
    'accepted',
    anAcceptedJob,
    'as it was',
    'error',
    'nothing_to_ask',
    'remirror_requested',
    'deadline_extended',
  ],
  [
    'being sent',
    aDispatchingJob,
    'job_active',
    'error',
    'nothing_to_ask',
    'remirror_requested',
    'deadline_extended',
  ],
  [
    'ambiguous',
    anAmbiguousJob,
    'job_active',
    'error',
    'nothing_to_ask',
    'remirror_requested',
    'deadline_extended',
  ],
  [
    'waiting',
    aWaitingJob,
    'retry_hurried',
    'error',
    'nothing_to_ask',
    'remirror_requested',
    'deadline_extended',
  ],
  ['queued', aQueuedJob, 'job_active', 'error', 'recheck_requested', 'as it was', 'deadline_extended'],
  [
    'running',
    aRunningJob,
    'job_active',
    'error',
    'recheck_requested',
    'remirror_requested',
    'deadline_extended',
  ],
  [
    'verifying',
    aVerifyingJob,
    'job_active',
    'error',
    'nothing_to_ask',
    'remirror_requested',
    'deadline_extended',
  ],
  ['cancelling', aCancellingJob, 'job_active', 'job_active', 'as it was', 'as it was', 'job_active'],
  [
    'complete',
    aCompleteJob,
    'job_complete',
    'job_complete',
    'nothing_to_ask',
    'remirror_requested',
    'job_complete',
  ],
  ['failed', aFailedJob, 'pending', 'as it was', 'nothing_to_ask', 'remirror_requested', 'job_ended'],
  [
    'cancelled',
    aCancelledJob,
    'pending',
    'job_cancelled',
    'nothing_to_ask',
    'remirror_requested',
    'job_ended',
  ],
  ['being deleted', deleting, 'job_deleting', 'job_deleting', 'job_deleting', 'job_deleting', 'job_deleting'],
]

const COMMANDS = [RETRY_NOW, FORCE_FAIL, RECHECK, REWRITE_ROW, LATER]
const CASES = TABLE.flatMap(([name, stage, ...expected]) =>
  COMMANDS.map((command, i) => ({ type: command.type, command, name, stage, expected: expected[i] })),
)

function answer(before: Story, command: Event): string {
  const after = before.when(command)
  const reply = after.last?.reply
  if (reply && !reply.ok) {
    expect(after.job).toBe(before.job)
    expect(reply.detail).toMatch(/^[A-Z].*\.$/)
    return reply.code
  }
  if (after.job === before.job) return 'as it was'
  const { status } = after.job.phase
  const [line] = after.last?.log ?? []
  expect(line?.data).toMatchObject({ by: 'operator', reason: 'It hangs.' })
  return status === before.job.phase.status ? String(line?.type) : status
}

describe('An operator’s', () => {
  test.each(CASES)('$type of a job that is $name: $expected', ({ command, stage, expected }) => {
    expect(answer(stage(), command)).toBe(expected)
  })
})

describe('Retry now', () => {
  test('does not wait for the backoff, and the next attempt is sent by the next wake', () => {
    const refused = acknowledged(
      aDispatchingJob().when(dispatchRefused(ref(), aFailure(), HOUR), T0 + SECOND),
    )
    expect(refused.dueAt()).toBe(T0 + SECOND + HOUR)
    refused
      .when(RETRY_NOW, T0 + 5 * SECOND)
      .then({ wakeAt: T0 + 5 * SECOND, log: ['retry_hurried'] })
      .wakes()
      .when(outputAbsent())
      .dispatches()
      .then({ effects: ['dispatch'], attempt: { attempt: 2 } })
  })

  test('asked for again while it is due changes nothing', () => {
    aWaitingJob()
      .when(RETRY_NOW)
      .when(RETRY_NOW)
      .then({ unchanged: true, reply: { ok: true } })
  })
})

describe('Force-fail', () => {
  test('ends the job, and what runs at RunPod is told to stop', () => {
    aRunningJob()
      .when(FORCE_FAIL)
      .then({
        status: 'error',
        log: ['force_failed', 'error'],
        phase: { failure: { code: 'force_failed', retryable: false } },
        attempt: { failure: { code: 'force_failed' } },
      })
      .wakes()
      .then({ effects: ['cancelRemote', 'mirror', 'sweepOutputs'] })
  })

  test('of a job that waits for its next attempt leaves the last one’s own failure', () => {
    aWaitingJob()
      .when(FORCE_FAIL)
      .then({ status: 'error', attempt: { failure: { code: 'worker_error' } } })
  })
})

describe('A re-check', () => {
  test('of a queued job asks RunPod at once, and the checks then go on', () => {
    aQueuedJob()
      .when(mirrored(99))
      .when(RECHECK, T0 + 5 * SECOND)
      .wakes(T0 + 5 * SECOND)
      .then({ effects: ['poll'] })
      .when(observed('queued'), T0 + 6 * SECOND)
      .then({ status: 'queued', phase: { checks: 1 } })
  })

  test('of a running job asks RunPod at once', () => {
    aRunningJob()
      .when(RECHECK, T0 + 15 * SECOND)
      .wakes(T0 + 15 * SECOND)
      .then({ effects: ['poll'] })
  })

  test('of a cancelled job whose stop is not confirmed tells RunPod again', () => {
    const told = aCancellingJob().wakes().when(cancelAnswered('unconfirmed'))
    expect(told.job.attempts[0]?.cancel?.dueAt).toBeGreaterThan(told.now)
    told
      .when(RECHECK)
      .then({ log: ['recheck_requested'] })
      .wakes(told.now)
      .then({ effects: ['cancelRemote'] })
  })
})

describe('A deadline', () => {
  test('that was put off ends the job at the new instant, and not at the old one', () => {
    const extended = aRunningJob({ policy: { executionTimeoutMs: 4 * DAY, queueTimeoutMs: DAY } }).when(LATER)
    extended.when({ type: 'wake' }, T0 + DAY).then({ status: 'processing' })
    extended
      .when({ type: 'wake' }, T0 + 2 * DAY)
      .then({ status: 'error', phase: { failure: { code: 'deadline_exceeded' } } })
  })

  test('is never brought forward, and put off only as far as a caller might have asked', () => {
    aRunningJob()
      .when(extendDeadline(T0 + HOUR))
      .then({ reply: { ok: false, code: 'deadline_not_later' } })
    aRunningJob()
      .when(extendDeadline(T0 + 15 * DAY))
      .then({ reply: { ok: false, code: 'deadline_too_late' } })
    aRunningJob()
      .when(extendDeadline(T0 + DAY))
      .then({ unchanged: true, reply: { ok: true } })
  })

  test('is that of the policy again in the next round', () => {
    const round = anAcceptedJob()
      .when(LATER)
      .when(CANCEL)
      .when(RETRY_NOW, T0 + HOUR)
    expect(round.job.extendedDeadlineAt).toBeUndefined()
  })
})

describe('An attempt that is given up', () => {
  test('is cancelled at RunPod, kept with who asked, and followed at once', () => {
    const story = aRunningJob().when(giveUpAttempt(ref(1)))
    story.then({
      step: 'waiting',
      log: ['attempt_failed'],
      phase: { failure: { code: 'given_up' }, nextAttemptAt: story.now, exhausted: false },
      attempt: { failure: { code: 'given_up' } },
    })
    expect(story.attempt(1).cancel).toMatchObject({ tries: 0, confirmedAt: null })
    expect(story.last?.log[0]?.data).toMatchObject({ by: expect.any(String), code: 'given_up' })
    story.when(giveUpAttempt(ref(1))).then({ unchanged: true, reply: { ok: true } })
  })

  test('is that very one, and one after which another may follow', () => {
    const refused = (code: string) => ({ unchanged: true, reply: { ok: false, code } }) as const
    aRunningJob()
      .when(giveUpAttempt(ref(2)))
      .then(refused('attempt_not_open'))
    aCompleteJob()
      .when(giveUpAttempt(ref(1)))
      .then(refused('attempt_not_open'))
    aRunningJob({ policy: { maxAttempts: 1 } })
      .when(giveUpAttempt(ref(1)))
      .then(refused('no_attempt_left'))
  })
})
