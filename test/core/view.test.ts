import { describe, expect, test } from 'vitest'
import { viewOf } from '../../actors/export-job/core/shown/view.ts'
import {
  DELETE,
  observed,
  pollFailed,
  progressed,
  RETRY,
  RUNPOD_ID,
  SECOND,
  someHealth,
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

function view(story: Story) {
  const shown = viewOf(story.job)
  if (!shown) throw new Error('no view')
  return shown
}

const at = (seconds: number) => new Date(T0 + seconds * SECOND).toISOString()

describe('Why a job is where it is, and what happens next', () => {
  const rows: [string, () => Story, string, string, string | null][] = [
    [
      'accepted',
      anAcceptedJob,
      'Accepted; the first attempt is about to be sent to RunPod.',
      'send the next attempt to RunPod',
      at(0),
    ],
    [
      'dispatching',
      aDispatchingJob,
      'Attempt 1 of 3 is being sent to RunPod.',
      'write the attempt off if no report has come',
      at(75),
    ],
    [
      'ambiguous',
      anAmbiguousJob,
      'RunPod did not say whether it took attempt 1 of 3; waiting for its worker to report.',
      'write the attempt off if no report has come',
      at(75),
    ],
    [
      'queued',
      aQueuedJob,
      "Attempt 1 of 3 waits in RunPod's queue.",
      'ask RunPod whether a worker took it',
      at(61),
    ],
    [
      'running',
      aRunningJob,
      'Attempt 1 of 3 is running on RunPod.',
      'ask RunPod if no report has come',
      at(70),
    ],
    [
      'rendering',
      () => aRunningJob().when(progressed(9, { stage: 'rendering' })),
      'Attempt 1 of 3 is rendering on RunPod.',
      'ask RunPod if no report has come',
      at(70),
    ],
    [
      'silent',
      () => aRunningJob().wakes().when(pollFailed()),
      'Attempt 1 of 3 has fallen silent and RunPod could not be asked about it yet.',
      'ask RunPod if no report has come',
      null,
    ],
    [
      'verifying',
      aVerifyingJob,
      'Attempt 1 of 3 reported completion; its output is being looked for in storage.',
      'look for the output in storage',
      at(20),
    ],
    [
      'waiting',
      aWaitingJob,
      'Attempt 1 of 3 failed: It broke. The next one starts after a pause.',
      'look for the last attempt’s output in storage',
      null,
    ],
    [
      'exhausted',
      () => aWaitingJob({ policy: { maxAttempts: 1 } }),
      'Attempt 1 of 1 failed: It broke. No attempt is left; its output is looked for once more.',
      'look for the last attempt’s output in storage',
      at(20),
    ],
    [
      'cancelling',
      () => acknowledged(aCancellingJob()),
      'Cancel was requested; RunPod has not confirmed it yet.',
      'tell RunPod again to stop the job',
      at(20),
    ],
    [
      'complete',
      aCompleteJob,
      'The result is stored and was seen in storage.',
      'delete the videos and retire the job',
      at(21 + 7 * 86_400),
    ],
    ['failed', aFailedJob, 'It broke.', 'remove stale files of the job', null],
    [
      'cancelled',
      aCancelledJob,
      'Cancelled; nothing of it runs at RunPod.',
      'remove stale files of the job',
      null,
    ],
    [
      'retried',
      () => aFailedJob().when(RETRY),
      'Accepted; the first attempt is about to be sent to RunPod.',
      'send the next attempt to RunPod',
      null,
    ],
  ]

  test.each(rows)('is told when it is %s', (_, stage, reason, what, when) => {
    const shown = view(stage())
    expect(shown.reason).toBe(reason)
    expect(shown.next_action?.what).toBe(what)
    if (when !== null) expect(shown.next_action?.at).toBe(when)
  })

  test.each([
    [{ idle: 1 }, ' RunPod has 1 idle worker.'],
    [{ throttled: 2, inQueue: 1 }, ' RunPod has no idle worker (2 throttled) and 1 job in its queue.'],
    [
      { running: 3, initializing: 1, inQueue: 7 },
      ' RunPod has no idle worker (3 running, 1 starting) and 7 jobs in its queue.',
    ],
    [{}, ' RunPod has no idle worker and 0 jobs in its queue.'],
    [{ unhealthy: 1, inQueue: 1 }, ' RunPod has no idle worker (1 unhealthy) and 1 job in its queue.'],
    [{ unhealthy: 0, inQueue: 1 }, ' Its endpoint has no worker of any kind.'],
  ])('names the workers of the endpoint while it waits: %j', (counts, sentence) => {
    const checked = aQueuedJob().when(observed('queued', { health: someHealth(counts) }))
    expect(view(checked).reason).toBe(`Attempt 1 of 3 waits in RunPod's queue.${sentence}`)
  })
})

describe('The job as everyone sees it', () => {
  test('has every field while it runs', () => {
    const story = aRunningJob({ tags: ['a'], metadata: { shot: 3 } }).when(
      progressed(42, { stage: 'rendering', etaMs: 31_400, message: 'Frame 42' }),
      T0 + 12 * SECOND,
    )
    expect(view(story)).toMatchObject({
      id: 'job-1',
      status: 'processing',
      progress: 42,
      stage: 'rendering',
      message: 'Frame 42',
      eta_seconds: 31,
      last_report_at: at(12),
      attempt: 1,
      max_attempts: 3,
      round: 1,
      runpod_job_id: RUNPOD_ID,
      created_at: at(0),
      started_at: at(10),
      finished_at: null,
      expires_at: null,
      error: null,
      cancel: null,
      tags: ['a'],
      metadata: { shot: 3 },
      output_video_key: null,
      version: story.job.version,
    })
  })

  test('shows the result once it is complete', () => {
    expect(view(aCompleteJob())).toMatchObject({
      status: 'complete',
      progress: 100,
      stage: null,
      eta_seconds: null,
      output_video_key: 'output/job-1/1-1.mp4',
      output_size_bytes: 1_234,
      finished_at: at(21),
      expires_at: at(21 + 7 * 86_400),
    })
  })

  test('shows the failure while it waits for the next attempt, and when it ended by it', () => {
    const error = { code: 'worker_error', message: 'It broke.', retryable: true }
    const waiting = view(aWaitingJob())
    expect(waiting).toMatchObject({ status: 'pending', error, attempt: 1 })
    expect(waiting.next_attempt_at).not.toBeNull()
    expect(view(aFailedJob())).toMatchObject({ status: 'error', error, next_attempt_at: null })
    expect(view(aWaitingJob({ policy: { maxAttempts: 1 } })).next_attempt_at).toBeNull()
  })

  test('says whether a cancel was confirmed', () => {
    expect(view(aCancellingJob()).cancel).toEqual({ requested_at: at(20), confirmed: false })
    expect(view(aCancelledJob()).cancel).toEqual({ requested_at: at(20), confirmed: true })
    expect(view(aRunningJob()).cancel).toBeNull()
  })

  test('is not shown while it is being deleted', () => {
    expect(viewOf(aFailedJob().when(DELETE).job)).toBeNull()
  })

  test('is plain JSON', () => {
    const shown = view(aFailedJob())
    expect(JSON.parse(JSON.stringify(shown))).toEqual(shown)
  })
})
