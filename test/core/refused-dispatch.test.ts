import { describe, expect, test } from 'vitest'
import type { RefusalCause } from '../../actors/export-job/core/job.ts'
import { viewOf } from '../../actors/export-job/core/shown/view.ts'
import {
  aFailure,
  CANCEL,
  completed,
  DAY,
  dispatchAmbiguous,
  dispatched,
  dispatchRefused,
  dispatchWeighed,
  failed,
  HOUR,
  MINUTE,
  outputAbsent,
  outputSeen,
  progressed,
  RETRY,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import type { Story } from '../support/node/given.ts'
import { acknowledged, aDispatchingJob, aRunningJob } from '../support/node/stages.ts'

const busy = aFailure({ code: 'runpod_rate_limited', message: 'RunPod limits the rate of requests (429).' })
const down = aFailure({ code: 'runpod_unavailable', message: 'RunPod could not take the job (503).' })

/** Attempt `number` is being sent, and is refused. */
function refuse(story: Story, failure = busy, cause: RefusalCause = 'runpod'): Story {
  const number = story.job.attempts.at(-1)?.attempt ?? 0
  return acknowledged(story.when(dispatchRefused(ref(number, story.job.round), failure, null, cause)))
}

/** The pause is over, no file is found, and the next attempt is sent. */
function sendAgain(story: Story): Story {
  const looks =
    story.job.phase.status === 'pending' && 'look' in story.job.phase && story.job.phase.look === 'owed'
  const last = story.job.attempts.at(-1)
  const due = looks && last ? story.wakes().when(outputAbsent(ref(last.attempt, last.round))) : story
  return due.dispatches()
}

function refusedTimes(times: number, failure = busy, cause: RefusalCause = 'runpod'): Story {
  let story = refuse(aDispatchingJob(), failure, cause)
  for (let n = 1; n < times; n++) story = refuse(sendAgain(story), failure, cause)
  return story
}

describe('A dispatch that is refused for no fault of the job', () => {
  test.each<RefusalCause>(['runpod', 'deployment', 'storage'])(
    'by the %s uses up no attempt, fifty times',
    (cause) => {
      const story = refusedTimes(50, busy, cause)
      story.then({ status: 'pending', step: 'waiting', phase: { exhausted: false } })
      expect(viewOf(story.job)).toMatchObject({ attempt: 0, max_attempts: 3, status: 'pending' })
      const sent = sendAgain(story)
      expect(viewOf(sent.job)).toMatchObject({ attempt: 1 })
      sent.then({ attempt: { attempt: 51, outputKey: 'output/job-1/1-51.mp4' } })
    },
  )

  test('leaves as many attempts as there were', () => {
    let story = sendAgain(refusedTimes(10))
    for (let counted = 1; counted <= 3; counted++) {
      expect(viewOf(story.job)?.attempt).toBe(counted)
      const number = story.job.attempts.at(-1)?.attempt ?? 0
      story = story.when(dispatched(ref(number), `rp-${number}`)).when(failed({ ref: ref(number) }))
      story =
        counted < 3
          ? sendAgain(story)
          : story
              .wakes()
              .when(outputAbsent(ref(number)))
              .wakes()
    }
    story.then({ status: 'error', phase: { failure: { code: 'worker_error' } } })
  })

  test('does not lengthen the pause after an attempt that counts', () => {
    const second = sendAgain(refuse(sendAgain(aRunningJob().when(failed(), T0 + 20 * SECOND))))
    second.then({ attempt: { attempt: 3 } })
    expect(viewOf(second.job)).toMatchObject({ attempt: 2 })
  })

  test('ends the job when it is the job’s own fault', () => {
    const verdict = aFailure({
      code: 'dispatch_rejected',
      message: 'RunPod rejected the job (400).',
      retryable: false,
    })
    sendAgain(refusedTimes(3))
      .when(dispatchRefused(ref(4), verdict))
      .then({ status: 'error', phase: { failure: verdict }, attempts: 4 })
      .then({ log: ['refused_again', 'attempt_started', 'attempt_failed', 'error'] })
  })

  test('does not outlast the deadline', () => {
    const story = refusedTimes(5)
    story.wakes(T0 + DAY).then({ status: 'error', phase: { failure: { code: 'deadline_exceeded' } } })
    story.when(CANCEL).then({ status: 'cancelled', phase: { confirmed: true } })
  })

  test('is retried by hand with all attempts, and with none of the pauses behind it', () => {
    const again = refusedTimes(20)
      .wakes(T0 + DAY)
      .when(RETRY)
      .dispatches()
    expect(viewOf(again.job)).toMatchObject({ attempt: 1, round: 2 })
    const refused = refuse(again)
    expect(refused.dueAt() - refused.now).toBeLessThanOrEqual(5 * SECOND)
  })
})

describe('The pause after a refusal', () => {
  const pauses = (story: Story) => {
    const { phase } = story.job
    return 'nextAttemptAt' in phase ? phase.nextAttemptAt - story.now : 0
  }

  test('grows with each in a row to five minutes, and starts anew after an attempt that was taken', () => {
    expect(pauses(refusedTimes(1))).toBeLessThanOrEqual(5 * SECOND)
    const long = Array.from({ length: 20 }, (_, n) => pauses(refusedTimes(10 + n)))
    expect(Math.max(...long)).toBeGreaterThan(2 * MINUTE)
    expect(Math.max(...long)).toBeLessThanOrEqual(5 * MINUTE)
    const taken = sendAgain(refusedTimes(20))
      .when(dispatched(ref(21), 'rp'))
      .when(failed({ ref: ref(21) }))
    expect(pauses(refuse(sendAgain(taken)))).toBeLessThanOrEqual(5 * SECOND)
  })

  test('grows whatever the reason: one that changes to and fro does not make it short', () => {
    let story = refusedTimes(8)
    for (let n = 0; n < 8; n++) story = refuse(sendAgain(story), n % 2 === 0 ? down : busy)
    expect(story.job.refusals).toMatchObject({ times: 1, tries: 16 })
    expect(story.job.breaker.tripped).toBe(false)
  })

  test('is a minute to a quarter of an hour where a person must set something right', () => {
    expect(pauses(refusedTimes(1, busy, 'deployment'))).toBe(MINUTE)
    expect(pauses(refusedTimes(9, busy, 'deployment'))).toBe(15 * MINUTE)
  })

  test('is never shorter than RunPod asked for', () => {
    const asked = aDispatchingJob().when(dispatchRefused(ref(), busy, HOUR), T0 + SECOND)
    expect(pauses(asked)).toBe(HOUR)
    let story = asked
    for (let n = 2; n < 12; n++) story = sendAgain(story).when(dispatchRefused(ref(n), busy, SECOND))
    expect(pauses(story)).toBeGreaterThan(SECOND)
  })
})

describe('Equal refusals in a row', () => {
  test('have the lines of the first, and one more that counts them when they are over', () => {
    aDispatchingJob()
      .when(dispatchRefused(ref(), busy))
      .then({ log: ['attempt_failed'] })
    const third = sendAgain(refusedTimes(3)).then({ log: [] })
    expect(third.when(dispatchRefused(ref(4), busy)).last?.log).toEqual([])
    const over = third.when(dispatched(ref(4), 'rp-4'))
    over.then({ log: ['refused_again', 'attempt_started', 'queued'] })
    expect(over.logged('refused_again').data).toEqual({
      code: 'runpod_rate_limited',
      times: 3,
      since_at: new Date(T0).toISOString(),
    })
    expect(over.job.refusals).toBeNull()
  })

  test('are over with another one, and with whatever else becomes of an attempt', () => {
    const sent = sendAgain(refusedTimes(2))
    const told = ['refused_again', 'attempt_started']
    sent.when(dispatchRefused(ref(3), down)).then({ log: [...told, 'attempt_failed'] })
    sent.when(dispatchAmbiguous(ref(3))).then({ log: [...told, 'dispatch_ambiguous'] })
    sent.when(progressed(1, { ref: ref(3) })).then({ log: [...told, 'processing'] })
    sent.when(completed({ ref: ref(3) })).then({ log: [...told, 'verifying'] })
    sent
      .wakes()
      .when(dispatchWeighed(true, ref(3)))
      .then({ log: [...told, 'attempt_failed'], attempt: { failure: { code: 'dispatch_lost' } } })
    sent.when(CANCEL).then({ status: 'cancelling' })
  })

  test('are not counted where there was only one', () => {
    sendAgain(refusedTimes(1))
      .when(dispatched(ref(2), 'rp-2'))
      .then({ log: ['attempt_started', 'queued'] })
  })

  test('are told with their number and when the next try is', () => {
    const { reason, next_attempt_at } = viewOf(refusedTimes(4).job) ?? {}
    expect(reason).toBe(
      `RunPod limits the rate of requests (429). So since ${new Date(T0).toISOString()}, 4 times; the next try is at ${next_attempt_at}, and none of them counts as an attempt.`,
    )
  })
})

describe('A refusal that was wrong', () => {
  test('leaves an attempt that counts when its file is found, or its worker reports that it is done', () => {
    const found = refusedTimes(1).wakes().when(outputSeen())
    found.then({ status: 'complete', attempt: { uncounted: false } })
    expect(viewOf(found.job)?.attempt).toBe(1)
    const done = refusedTimes(1).when(completed())
    done.then({ step: 'verifying', attempt: { uncounted: false } })
    expect(done.job.refusals).toBeNull()
  })
})

test('Refused attempts are the first to be forgotten', () => {
  const failedOnce = aRunningJob().when(failed(), T0 + 20 * SECOND)
  let story = acknowledged(failedOnce)
  for (let n = 0; n < 80; n++) story = refuse(sendAgain(story))
  expect(story.job.attempts).toHaveLength(50)
  expect(story.job.attempts[0]).toMatchObject({ attempt: 1 })
  expect(viewOf(story.job)).toMatchObject({ attempt: 1 })
})
