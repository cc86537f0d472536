import { expect, test } from 'vitest'
import type { JobRequest, WebhookMessage } from '../../actors/export-job/core/job.ts'
import { bodyOf, MAX_BODY_BYTES } from '../../actors/export-job/core/shown/webhook-message.ts'
import { aFailure, failed, HOOK, type RequestOverrides, T0 } from '../support/node/builders.ts'
import { aCompleteJob, aRunningJob } from '../support/node/stages.ts'

const LINKS = { job: 'https://exports.example.com/api/jobs/job-1', output: null }
const TELLING = { webhook: { ...HOOK, events: ['processing', 'complete', 'error'] } }

function lastOf(story: { job: { request: JobRequest; outbox: { webhooks: readonly WebhookMessage[] } } }) {
  const message = story.job.outbox.webhooks.at(-1)
  if (!message) throw new Error('nothing is owed')
  return { message, request: story.job.request }
}

test('A message says the job as it was at its event, in the names of the API', () => {
  const request: RequestOverrides = { ...TELLING, metadata: { order: 7 }, tags: ['a'], params: { items: [] } }
  const { message, request: asked } = lastOf(aCompleteJob(request))
  const output = 'https://exports.example.com/api/videos/download/output/job-1/1-1.mp4?exp=1&sig=s'
  expect(JSON.parse(bodyOf(message, asked, { ...LINKS, output }))).toEqual({
    type: 'job.complete',
    timestamp: new Date(T0 + 21_000).toISOString(),
    data: {
      job: {
        id: 'job-1',
        project_id: 1,
        type: 'overlay',
        status: 'complete',
        progress: 100,
        stage: null,
        attempt: 1,
        max_attempts: 3,
        round: 1,
        runpod_job_id: 'rp-1-u1',
        input_video_key: 'input/1/clip.mp4',
        input_video_url: null,
        output_video_key: 'output/job-1/1-1.mp4',
        output_size_bytes: 1_234,
        output_url: output,
        error: null,
        cancel: null,
        metadata: { order: 7 },
        tags: ['a'],
        created_at: new Date(T0).toISOString(),
        started_at: new Date(T0 + 10_000).toISOString(),
        finished_at: new Date(T0 + 21_000).toISOString(),
        version: message.told.version,
        url: LINKS.job,
      },
    },
  })
})

test('Messages of a job that was made anew under the same id have ids of their own', () => {
  const idOf = (request: RequestOverrides) => lastOf(aCompleteJob({ ...TELLING, ...request })).message.id
  expect(idOf({ life: 'a' })).not.toBe(idOf({ life: 'b' }))
  expect(idOf({ life: 'a' })).toBe(idOf({ life: 'a' }))
  expect(idOf({})).toMatch(/^job-1\.\d+\.complete$/)
})

test('Every try of a message has the same body', () => {
  const running = aRunningJob(TELLING)
  const first = lastOf(running)
  const later = running.when(failed({ failure: aFailure({ retryable: false }) }), T0 + 60_000)
  const again = later.job.outbox.webhooks.find((each) => each.id === first.message.id)
  if (!again) throw new Error('the message is gone')
  expect(bodyOf(again, later.job.request, LINKS)).toBe(bodyOf(first.message, first.request, LINKS))
})

test('No body reaches the limit, whatever was asked for and whatever a worker said', () => {
  // A lone surrogate is the longest encoding of one character in JSON: six bytes.
  const long = (characters: number) => '\ud800'.repeat(characters)
  const request: RequestOverrides = {
    ...TELLING,
    params: { huge: long(40_000) },
    metadata: { note: 'x'.repeat(4_080) },
    tags: Array.from({ length: 10 }, () => long(128)),
    inputVideoKey: `input/${'"'.repeat(1_018)}`,
  }
  const failure = aFailure({ code: 'x'.repeat(64), message: long(100_000), retryable: false })
  const { message, request: asked } = lastOf(aRunningJob(request).when(failed({ failure }), T0 + 60_000))
  expect(message.event).toBe('error')
  const body = bodyOf(message, asked, { ...LINKS, output: `https://x.test/${'%22'.repeat(340)}` })
  const size = new TextEncoder().encode(body).length
  expect(size).toBeGreaterThan(15_000)
  expect(size).toBeLessThan(MAX_BODY_BYTES)
})
