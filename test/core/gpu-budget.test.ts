import { expect, test } from 'vitest'
import {
  cancelAnswered,
  failed,
  MINUTE,
  observed,
  outputAbsent,
  outputSeen,
  placeNeeded,
  placeWaiting,
  progressed,
  RETRY,
  RUNPOD_ID,
  ref,
  SECOND,
  someUsage,
  T0,
} from '../support/node/builders.ts'
import { acknowledged, aRunningJob, aSecondAttempt } from '../support/node/stages.ts'

/** The first attempt runs from T0 + 10 s on. */
const limited = (seconds: number) => ({ policy: { maxGpuMs: seconds * SECOND, maxAttempts: 5 } })

test('an attempt is stopped when the GPU seconds are used up, and its file looked for', () => {
  const stopped = aRunningJob(limited(30)).wakes()
  expect(stopped.now).toBe(T0 + 40 * SECOND)
  stopped.then({ step: 'waiting', log: ['attempt_failed'], effects: ['cancelRemote'] })
  const looking = stopped.when(cancelAnswered('unconfirmed')).wakes(stopped.now + SECOND)
  looking.when(outputSeen()).then({ status: 'complete' })
  looking
    .when(outputAbsent())
    .wakes()
    .then({ status: 'error', phase: { failure: { code: 'budget_exceeded', retryable: true } } })
})

test('an attempt may use what the earlier ones of its round have left', () => {
  const second = aSecondAttempt(limited(30))
  const began = second.attempt(2).runningAt ?? 0
  expect(second.attempt(1)).toMatchObject({ runningAt: T0 + 10 * SECOND, endedAt: T0 + 20 * SECOND })
  second.then({ phase: { timeoutAt: began + 20 * SECOND } })
})

test('a failure is the last one when nothing is left, and is named', () => {
  const reported = aRunningJob(limited(30)).when(progressed(50, { runpodJobId: RUNPOD_ID }), T0 + 39 * SECOND)
  const late = reported.when(failed(), T0 + 41 * SECOND)
  late.then({ step: 'waiting', phase: { exhausted: true, failure: { code: 'budget_exceeded' } } })
  expect(late.attempt(1).failure?.code).toBe('worker_error')
  expect(late.logged('attempt_failed').data).not.toHaveProperty('next_attempt_at')
  const ended = late.wakes().when(outputAbsent()).wakes()
  ended.then({ status: 'error', attempts: 1 })
  expect(ended.job.phase).toMatchObject({
    failure: { message: expect.stringMatching(/^The attempts have used the 30 GPU seconds .* failed: /) },
  })
})

test('a retry by hand begins with all of them', () => {
  const stopped = aRunningJob(limited(30)).wakes().when(cancelAnswered('ended'))
  const ended = stopped.wakes().when(outputAbsent()).wakes()
  const again = ended.when(RETRY, ended.now + SECOND).dispatches()
  const running = again.when(progressed(5, { ref: ref(1, 2) }), again.now + SECOND)
  running.then({ phase: { timeoutAt: running.now + 30 * SECOND } })
})

test('without a limit the execution timeout alone stops an attempt', () => {
  aRunningJob().then({ phase: { timeoutAt: T0 + 10 * SECOND + 30 * 60 * SECOND } })
})

test('nothing more is sent once RunPod’s figures, which come after the failure, use up what was left', () => {
  const reported = acknowledged(aRunningJob(limited(30)).when(failed(), T0 + 20 * SECOND))
  reported.then({ phase: { exhausted: false, failure: { code: 'worker_error' } } })
  const usage = someUsage({ executionMs: 45 * SECOND })
  const billed = reported.when(observed('failed', { source: 'webhook', runpodJobId: RUNPOD_ID, usage }))
  const ended = billed.wakes().when(outputAbsent()).wakes().wakes()
  ended.then({
    status: 'error',
    attempts: 1,
    log: ['error'],
    phase: { failure: { code: 'budget_exceeded' } },
  })
})

test('a place that was waited for meanwhile is given back', () => {
  const reported = acknowledged(aRunningJob(limited(30)).when(failed(), T0 + 20 * SECOND))
  const asking = reported.wakes().when(outputAbsent()).wakes()
  const waits = asking
    .when(placeNeeded(ref(2)))
    .wakes()
    .when(placeWaiting(ref(2), T0 + MINUTE))
  const usage = someUsage({ executionMs: 45 * SECOND })
  const billed = waits.when(observed('failed', { source: 'webhook', runpodJobId: RUNPOD_ID, usage }))
  const ended = billed.wakes(T0 + MINUTE)
  ended.then({ status: 'error', phase: { failure: { code: 'budget_exceeded' } } })
  expect(ended.job.outbox.places).toMatchObject([{ next: ref(2), tell: { what: 'release' } }])
})
