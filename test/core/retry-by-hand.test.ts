import { describe, expect, test } from 'vitest'
import {
  cancelAnswered,
  completed,
  DAY,
  dispatched,
  HOUR,
  outputAbsent,
  outputSeen,
  RETRY,
  ref,
  SECOND,
} from '../support/node/builders.ts'
import { given } from '../support/node/given.ts'
import {
  aCancelledJob,
  aCancellingJob,
  aCompleteJob,
  acknowledged,
  aFailedJob,
  anAcceptedJob,
} from '../support/node/stages.ts'

describe('A retry by hand', () => {
  test.each([
    ['an error', aFailedJob],
    ['a cancel', aCancelledJob],
  ] as const)('after %s starts a new round that is due at once', (_, stage) => {
    const ended = stage()
    const story = ended.when(RETRY, ended.now + HOUR)
    story.then({ status: 'pending', step: 'waiting', log: ['retried'], reply: { ok: true }, attempts: 1 })
    expect(story.job).toMatchObject({ round: 2, roundStartedAt: ended.now + HOUR })
    story.then({ phase: { nextAttemptAt: story.now, failure: null }, progress: { percent: 0 } })
  })

  test('counts attempts from one again and names its outputs by the round', () => {
    aFailedJob()
      .when(RETRY)
      .dispatches()
      .then({ effects: ['dispatch'], attempts: 2 })
      .then({ attempt: { round: 2, attempt: 1, outputKey: 'output/job-1/2-1.mp4' } })
  })

  test('does not look for the outputs of the round before: they are swept', () => {
    aFailedJob()
      .when(RETRY)
      .then({ phase: { look: 'done' }, outbox: { sweep: null } })
  })

  test('sweeps what the rounds before left when the new one ends', () => {
    const complete = aFailedJob()
      .when(RETRY)
      .dispatches()
      .when(dispatched(ref(1, 2), 'rp-2'))
    const seen = complete
      .when(completed({ ref: ref(1, 2) }))
      .wakes()
      .when(outputSeen(ref(1, 2)))
    seen.then({ status: 'complete', phase: { winner: ref(1, 2) }, outbox: { sweep: { last: false } } })
    expect(acknowledged(seen).wakes().effect('sweepOutputs').keep).toContain('output/job-1/2-1.mp4')
  })

  test('gets its own deadline', () => {
    const late = aFailedJob()
    const retried = late.when(RETRY, late.now + 3 * DAY).dispatches()
    retried.then({ status: 'pending', effects: ['dispatch'] })
  })

  test('may be said twice: the round that is under way is not disturbed', () => {
    aFailedJob()
      .when(RETRY)
      .when(RETRY)
      .then({ unchanged: true, reply: { ok: true } })
  })

  test('is refused for a job in its first round, being cancelled, complete or gone', () => {
    anAcceptedJob()
      .when(RETRY)
      .then({ unchanged: true, reply: { ok: false, code: 'job_active' } })
    aCancellingJob()
      .when(RETRY)
      .then({ unchanged: true, reply: { ok: false, code: 'job_active' } })
    aCompleteJob()
      .when(RETRY)
      .then({ unchanged: true, reply: { ok: false, code: 'job_complete' } })
  })

  test('is refused after a hundred rounds', () => {
    const { job } = aFailedJob()
    given({ ...job, round: 100 })
      .when(RETRY)
      .then({ reply: { ok: false, code: 'too_many_rounds' }, unchanged: true })
    given({ ...job, round: 99 })
      .when(RETRY)
      .then({ reply: { ok: true } })
  })

  test('stops what is left of the old round first, when that was never told to', () => {
    const ended = aFailedJob()
    const live = ended.job.attempts.map((attempt) => ({
      ...attempt,
      remote: 'live' as const,
      cancel: { askedAt: ended.now, dueAt: ended.now, tries: 0, confirmedAt: null },
    }))
    given({ ...ended.job, attempts: live }, ended.now)
      .when(RETRY)
      .wakes()
      .then({ effects: ['cancelRemote'], step: 'waiting' })
      .when(cancelAnswered('unconfirmed'))
      .dispatches()
      .then({ effects: ['dispatch'] })
  })

  test('forgets the oldest settled attempts above fifty, never one that may still run', () => {
    const { job, now } = aFailedJob()
    const [first] = job.attempts
    if (!first) throw new Error('no attempt')
    const many = Array.from({ length: 60 }, (_, i) => ({
      ...first,
      attempt: i + 1,
      remote: i === 0 ? ('live' as const) : ('ended' as const),
    }))
    const story = given({ ...job, attempts: many }, now + SECOND)
      .when(RETRY)
      .dispatches()
    expect(story.job.attempts).toHaveLength(50)
    expect(story.job.attempts[0]).toMatchObject({ attempt: 1, remote: 'live' })
  })

  test('is answered by a look of its own only after its own attempt', () => {
    aFailedJob()
      .when(RETRY)
      .when(outputSeen())
      .then({ unchanged: true })
      .when(outputAbsent())
      .then({ unchanged: true })
  })
})
