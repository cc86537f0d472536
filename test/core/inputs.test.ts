import { describe, expect, test } from 'vitest'
import { inputsSeen } from '../../actors/export-job/core/attempts.ts'
import {
  aFailure,
  DAY,
  dispatchAmbiguous,
  dispatchRefused,
  progressed,
  RETRY,
  ref,
} from '../support/node/builders.ts'
import { aDispatchingJob, anAcceptedJob, aQueuedJob, aRunningJob } from '../support/node/stages.ts'

const refused = (code: string, retryable: boolean, of = ref()) => {
  const event = dispatchRefused(of, aFailure({ code, retryable }))
  if (event.type !== 'dispatchRefused') throw new Error('This builder makes refusals.')
  return event
}
const absent = (of = ref()) => refused('input_not_found', false, of)

describe('The inputs of a job', () => {
  test('are unseen until the look before a dispatch is answered', () => {
    expect(inputsSeen(anAcceptedJob().job)).toBe(false)
    expect(inputsSeen(aDispatchingJob().job)).toBe(false)
  })

  test('stay unseen when they were not found, and when nobody could look', () => {
    expect(inputsSeen(aDispatchingJob().when(absent()).job)).toBe(false)
    expect(inputsSeen(aDispatchingJob().when(refused('storage_unavailable', true)).job)).toBe(false)
  })

  test('are seen once RunPod was called, whatever it answered', () => {
    expect(inputsSeen(aQueuedJob().job)).toBe(true)
    expect(inputsSeen(aDispatchingJob().when(dispatchAmbiguous()).job)).toBe(true)
    const busy = { ...refused('dispatch_rejected', true), inputsSeen: true as const }
    expect(inputsSeen(aDispatchingJob().when(busy).job)).toBe(true)
  })

  test('are seen when a worker reports though the answer of RunPod was lost', () => {
    expect(inputsSeen(aDispatchingJob().when(progressed(1)).job)).toBe(true)
  })

  test('of a job that an earlier version has run were seen', () => {
    const { job } = aRunningJob()
    expect(job.attempts.some((attempt) => 'inputsSeen' in attempt)).toBe(false)
    expect(inputsSeen(job)).toBe(true)
  })

  test('are no longer seen once a later look has not found them, until one finds them again', () => {
    const failed = aDispatchingJob().when({ ...refused('dispatch_rejected', false), inputsSeen: true })
    expect(inputsSeen(failed.job)).toBe(true)
    const second = failed.when(RETRY).dispatches()
    expect(inputsSeen(second.job)).toBe(true)
    const gone = second.when(absent(ref(1, 2)), second.now + DAY / 24)
    gone.then({ status: 'error' })
    expect(inputsSeen(gone.job)).toBe(false)
    const third = gone.when(RETRY).dispatches()
    expect(inputsSeen(third.job)).toBe(false)
    expect(inputsSeen(third.when(progressed(1, { ref: ref(1, 3) })).job)).toBe(true)
  })
})
