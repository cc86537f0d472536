import { describe, expect, test } from 'vitest'
import { NO_PRICES } from '../../actors/export-job/core/shown/costs.ts'
import { findingsOf } from '../../actors/export-job/core/shown/findings.ts'
import { inspectionOf } from '../../actors/export-job/core/shown/inspection.ts'
import {
  aFailure,
  cancelAnswered,
  DAY,
  failed,
  HOUR,
  MINUTE,
  observed,
  outputAbsent,
  outputSeen,
  ref,
  SECOND,
  someHealth,
  someUsage,
  T0,
} from '../support/node/builders.ts'
import type { Story } from '../support/node/given.ts'
import {
  aCancellingJob,
  aCompleteJob,
  acknowledged,
  aFailedJob,
  aQueuedJob,
  aRunningJob,
  aVerifyingJob,
  aWaitingJob,
} from '../support/node/stages.ts'

/** Each finding as the one sentence that an operator reads, without its instant. */
function told(story: Story, now = story.now): string[] {
  return findingsOf(story.job, now).map(
    ({ code, cause, next }) => `${code}: ${cause}; next: ${next?.what ?? '-'}.`,
  )
}

const health = someHealth({ running: 2, inQueue: 3 })
const webhook = { url: 'https://example.com/hook', events: ['processing'] }
const refusedWebhook = {
  type: 'debtFailed',
  debt: 'webhooks',
  status: 500,
  latencyMs: 5,
  detail: 'It answered 500.',
  gone: false,
  retryAfterMs: null,
} as const

const SITUATIONS: [string, () => string[], string][] = [
  [
    'waits for a GPU',
    () =>
      told(
        aQueuedJob()
          .wakes(T0 + MINUTE + SECOND)
          .when(observed('queued', { health })),
      ),
    "waiting_for_gpu: Attempt 1 of 3 waits in RunPod's queue. RunPod has no idle worker (2 running) and 3 jobs in its queue; next: ask RunPod again whether a worker took it.",
  ],
  [
    'waits at an endpoint that RunPod may have scaled down',
    () =>
      told(
        aQueuedJob()
          .wakes(T0 + MINUTE + SECOND)
          .when(observed('queued', { health: someHealth({ unhealthy: 0, inQueue: 1 }) })),
      ),
    "waiting_for_gpu: Attempt 1 of 3 waits in RunPod's queue. Its endpoint has no worker of any kind. RunPod lowers an endpoint’s max workers to 2 after 3 days without a request and to 0 after 7: raise them in its settings; next: ask RunPod again whether a worker took it.",
  ],
  [
    'waits for a retry',
    () => told(aWaitingJob().wakes().when(outputAbsent())),
    'waiting_for_retry: Attempt 1 of 3 failed with worker_error: It broke; next: send attempt 2 to RunPod.',
  ],
  [
    'was found by polling',
    () => told(acknowledged(aRunningJob().wakes().when(observed('completed')).wakes().when(outputSeen()))),
    'lost_webhook: Neither a report nor RunPod’s webhook told the end of attempt 1 of 3; it was found by asking RunPod; next: delete the videos and retire the job.',
  ],
  [
    'has a silent worker',
    () =>
      told(
        aRunningJob()
          .wakes(T0 + 70 * SECOND)
          .when(observed('running'), T0 + 71 * SECOND),
      ),
    'stalled: The worker of attempt 1 of 3 has not reported since 2026-01-01T10:00:10.000Z though RunPod says that it still runs; next: ask RunPod about it again.',
  ],
  [
    'has a cancel that is not confirmed',
    () => told(aCancellingJob().wakes().when(cancelAnswered('unconfirmed'))),
    'cancel_unconfirmed: Cancel was asked for at 2026-01-01T10:00:20.000Z and RunPod has not confirmed it although it was told once; next: tell RunPod again to stop it.',
  ],
  [
    'misses its output',
    () => told(aVerifyingJob().wakes().when(outputAbsent())),
    'output_missing: Attempt 1 of 3 is said to be done, but its output is not in storage (1 of 3 looks); next: look for it again.',
  ],
  [
    'is ahead of its row in D1',
    () =>
      told(
        aQueuedJob()
          .wakes(T0 + 20 * SECOND)
          .when({ type: 'debtFailed', debt: 'mirror' }),
      ),
    'mirror_behind: The list in D1 is behind: it could not be written once; next: write the row again.',
  ],
  [
    'has a receiver that is down',
    () => {
      const running = aRunningJob({ webhook }).wakes()
      const [owed] = running.job.outbox.webhooks
      return told(running.when({ ...refusedWebhook, id: owed?.id ?? '' }))
    },
    'webhook_failing: The webhook’s receiver did not take “processing” (tried once); next: send it again.',
  ],
  [
    'is close to its deadline',
    () => told(aRunningJob({ policy: { deadlineMs: HOUR } }), T0 + 55 * MINUTE),
    'deadline_near: The job is close to its deadline; next: end it as deadline_exceeded unless it is done or put off.',
  ],
]

describe('An operator is told, in one sentence, that a job', () => {
  test.each(SITUATIONS)('%s', (_name, findings, sentence) => {
    expect(findings()).toContain(sentence)
  })

  test('is simply under way, and nothing else', () => {
    expect(told(aRunningJob())).toEqual([
      'under_way: Attempt 1 of 3 is running on RunPod; next: ask RunPod if no report has come.',
    ])
  })

  test('is not near a deadline that is a day away', () => {
    expect(told(aRunningJob(), T0 + DAY - 11 * MINUTE).join()).not.toContain('deadline_near')
  })
})

describe('A job opened up', () => {
  test('shows each attempt with what it cost, and whether that was wasted', () => {
    const second = aWaitingJob().wakes().when(outputAbsent()).dispatches()
    const done = second
      .when(observed('completed', { ref: ref(1), usage: someUsage() }))
      .when(observed('completed', { ref: ref(2), runpodJobId: 'rp-2', usage: someUsage({ workerId: 'w2' }) }))
      .wakes()
      .when(outputSeen(ref(2)))
    expect(inspectionOf(done.job, () => 0.001, done.now).attempts).toMatchObject([
      { attempt: 1, outcome: 'failed', failure: aFailure(), wasted: true, cost: 0.03, worker_id: 'worker-1' },
      { attempt: 2, outcome: 'won', failure: null, wasted: false, done_by: 'poll', execution_seconds: 30 },
    ])
  })

  test('shows every clock in the order they ring, and what is owed', () => {
    const { clocks, wake_at, deadline, outbox } = inspectionOf(aRunningJob().job, NO_PRICES, T0)
    expect(clocks.map(({ name }) => name)).toEqual(['stall', 'execution', 'deadline'])
    expect(wake_at).toBe(clocks[0]?.at)
    expect(deadline).toEqual({ at: '2026-01-02T10:00:00.000Z', extended: false })
    expect(outbox).toMatchObject({ mirror: null, webhooks: [], webhooks_refused: false })
    expect(inspectionOf(aFailedJob().job, NO_PRICES, T0).outbox.sweep).toMatchObject({ tries: 1 })
    expect(inspectionOf(aCompleteJob().job, NO_PRICES, T0).step).toBeNull()
    expect(inspectionOf(aRunningJob().when(failed()).job, NO_PRICES, T0).step).toBe('waiting')
  })
})
