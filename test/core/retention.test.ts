import { describe, expect, test } from 'vitest'
import { cancelAnswered, DAY, MINUTE, RETRY, SECOND, T0 } from '../support/node/builders.ts'
import { aCancellingJob, aCompleteJob, acknowledged, aFailedJob } from '../support/node/stages.ts'

const ENDED = T0 + 21 * SECOND

describe('Retention', () => {
  test('is the only clock of a complete job that owes nothing', () => {
    aCompleteJob().then({ wakeAt: ENDED + 7 * DAY, phase: { expiresAt: ENDED + 7 * DAY } })
  })

  test('does not end before the last upload URL has expired, however short it is', () => {
    aCompleteJob({ policy: { retentionMs: MINUTE } }).then({
      wakeAt: T0 + 15 * SECOND + 102 * MINUTE,
      phase: { expiresAt: T0 + 15 * SECOND + 102 * MINUTE },
    })
  })

  test('retires the job, and nothing is left to wake for', () => {
    aCompleteJob()
      .wakes()
      .then({ effects: ['archive'], durable: true, outbox: { archive: { tries: 0 } } })
      .when({ type: 'debtPaid', debt: 'archive' })
      .then({ status: 'gone', wakeAt: null })
  })

  test('is tried again with a growing pause', () => {
    let story = aCompleteJob()
    for (let tries = 0; tries < 5; tries++) {
      story = story
        .wakes()
        .then({ effects: ['archive'] })
        .when({ type: 'debtFailed', debt: 'archive' })
      story.then({ durable: true, outbox: { archive: { tries } } })
      expect(story.dueAt()).toBeGreaterThan(story.now)
    }
  })

  test('waits for what is owed: the list first', () => {
    const story = aCompleteJob().when({ type: 'rowOverdue' }, ENDED + 8 * DAY)
    story
      .wakes()
      .then({ effects: ['mirror'] })
      .when({ type: 'debtFailed', debt: 'mirror' })
      .then({ status: 'complete' })
    acknowledged(story)
      .wakes()
      .then({ effects: ['archive'] })
  })

  test('waits for an owed cancel until the ttl', () => {
    let story = aCancellingJob({ policy: { retentionMs: MINUTE } })
    let archived = false
    while (story.now < T0 + 100 * MINUTE && !archived) {
      story = story.wakes()
      archived = story.last?.effects.some((effect) => effect.type === 'archive') ?? false
      story = acknowledged(
        story.when(cancelAnswered('unconfirmed')).when({ type: 'debtPaid', debt: 'staleFiles' }),
      )
    }
    expect(archived).toBe(false)
    expect(story.job.attempts[0]?.remote).toBe('ended')
  })

  test('waits for the last sweep', () => {
    const story = aFailedJob({ policy: { retentionMs: MINUTE } })
      .wakes()
      .when({ type: 'debtPaid', debt: 'staleFiles' })
    story.then({ wakeAt: T0 + 15 * SECOND + 102 * MINUTE, outbox: { sweep: { last: true } } })
    story
      .wakes()
      .then({ effects: ['sweepOutputs'] })
      .when({ type: 'debtPaid', debt: 'staleFiles' })
      .wakes()
      .then({ effects: ['archive'] })
  })

  test('does not retire a job that a retry has revived, and is not overtaken by one once it has begun', () => {
    aFailedJob().when(RETRY).when({ type: 'debtPaid', debt: 'archive' }).then({ unchanged: true })
    const retiring = aFailedJob()
      .wakes()
      .when({ type: 'debtPaid', debt: 'staleFiles' })
      .wakes()
      .when({ type: 'debtPaid', debt: 'staleFiles' })
      .wakes()
    retiring
      .then({ effects: ['archive'] })
      .when(RETRY)
      .then({ reply: { ok: false, code: 'archived' } })
  })
})
