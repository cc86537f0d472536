import * as v from 'valibot'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  cancel,
  health,
  healthStatus,
  type RunAnswer,
  run,
  sortRunAnswer,
  status,
} from '../../actors/runpod/client.ts'
import { observationOf, RunpodEnvelope } from '../../actors/runpod/envelope.ts'
import project from '../../package.json' with { type: 'json' }

afterEach(() => vi.unstubAllGlobals())

test('Every request to RunPod names the service and its version', async () => {
  const agents: (string | null)[] = []
  vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
    agents.push(new Headers(init.headers).get('User-Agent'))
    return new Response('{}', { status: 500 })
  })
  const settings = { endpoint: 'https://gpus.test/v2/ep', apiKey: 'key' }
  await run(settings, {})
  await status(settings, 'a-job')
  await cancel(settings, 'a-job')
  await health(settings, 0)
  await healthStatus(settings, 1_000)
  // After a refused cancel, the status is requested as well.
  expect(agents).toEqual(Array(6).fill(`Exportal/${project.version}`))
})

test.each([
  [200, 'gone', 'missing'],
  [401, null, 'unconfirmed'],
  [404, null, 'unconfirmed'],
  [500, null, 'unconfirmed'],
])('A 404 counts only where the endpoint answers the key: /health %i', async (code, state, cancelled) => {
  vi.stubGlobal(
    'fetch',
    async (url: string) => new Response('{}', { status: url.endsWith('/health') ? code : 404 }),
  )
  const settings = { endpoint: 'https://gpus.test/v2/ep', apiKey: 'key' }
  const seen = await status(settings, 'a-job')
  expect(seen.kind === 'observed' ? seen.observation.state : null).toBe(state)
  expect((await cancel(settings, 'a-job')).kind).toBe(cancelled)
})

test.each([
  [{ idle: 0, running: 2, unhealthy: 3 }, 3],
  [{ idle: 0, running: 2 }, 0],
])('Health counts workers that are unhealthy: %j', async (workers, unhealthy) => {
  vi.stubGlobal('fetch', async () => Response.json({ jobs: { inQueue: 1 }, workers }))
  expect(await health({ endpoint: 'https://gpus.test/v2/ep', apiKey: 'key' }, 5)).toEqual({
    seenAt: 5,
    inQueue: 1,
    idle: 0,
    running: 2,
    throttled: 0,
    initializing: 0,
    unhealthy,
  })
})

function answered(code: number, text: string) {
  return sortRunAnswer({ kind: 'answered', status: code, headers: new Headers(), text })
}

describe('An answer of /run', () => {
  test.each([400, 413, 414, 422])('with %i is the fault of the job', (code) => {
    expect(answered(code, '{}')).toMatchObject({ cause: 'job', failure: { code: 'dispatch_rejected' } })
  })

  test.each([401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 415, 417, 418, 426, 428, 431, 451])(
    'with %i, which every job would receive, is not the fault of one',
    (code) => {
      const refused = answered(code, '<html>Method not allowed</html>')
      expect(refused).toMatchObject({ kind: 'refused', cause: 'deployment', failure: { retryable: true } })
    },
  )

  test.each([
    ['', 'It gave no reason.'],
    ['{}', 'It gave no reason.'],
    ['<!DOCTYPE html>\n<title>413</title>', 'It gave no reason.'],
    ['{"error":"input is required"}', 'input is required'],
    ['no such field', 'no such field'],
  ])('that refuses with %j is quoted as %j, and blames no worker', (text, reason) => {
    const { failure } = answered(400, text) as Extract<RunAnswer, { kind: 'refused' }>
    expect(failure.message).toBe(`RunPod rejected the job (400): ${reason}`)
  })

  test.each([408, 421, 425, 429, 500, 503])('with %i is RunPod’s', (code) => {
    expect(answered(code, '')).toMatchObject({ cause: 'runpod', failure: { retryable: true } })
  })

  test.each(['\\ud800', '.', '..', ''])('has no usable id in %j', (id) => {
    expect(answered(200, `{"id":"${id}","status":"IN_QUEUE"}`)).toMatchObject({ kind: 'ambiguous' })
  })
})

describe('An envelope', () => {
  const seen = (more: object) => observationOf(v.parse(RunpodEnvelope, { status: 'COMPLETED', ...more }))

  test.each(['completed', ' COMPLETED\n', 'Completed'])('has a status in any case: %j', (said) => {
    expect(seen({ status: said }).state).toBe('completed')
  })

  test.each([1e300, Number.POSITIVE_INFINITY, -1, '5000', null])('has no duration of %j', (time) => {
    expect(seen({ executionTime: time, delayTime: 7 }).usage).toEqual({
      delayMs: 7,
      executionMs: null,
      workerId: null,
    })
  })

  test.each(['SOMETHING_NEW', 'PAUSED', ''])('says nothing about a run by an unknown status: %j', (said) => {
    expect(seen({ status: said }).state).toBe('queued')
  })

  test.each<[string, object, object]>([
    ['beside the rest', { error: 'no such codec', code: 'invalid_media', should_retry: false }, {}],
    ['moved out by RunPod', { code: 'invalid_media', should_retry: false }, { error: 'no such codec' }],
  ])('that is completed by a returned error failed: %s', (_, output, more) => {
    const failed = { state: 'failed', error: 'no such codec', code: 'invalid_media', retryable: false }
    expect(seen({ output, ...more })).toMatchObject(failed)
  })

  // As the SDK reads them: an error that is empty is none.
  test.each([null, '', 0, false, {}, []])(
    'is completed in spite of an error that says nothing: %j',
    (error) => {
      expect(seen({ output: { error } }).state).toBe('completed')
      expect(seen({ error }).state).toBe('completed')
    },
  )

  test.each([true, 7, { type: 'ValueError' }, ['a']])('failed by an error of any type: %j', (error) => {
    expect(seen({ output: { error } }).state).toBe('failed')
  })

  test('is read with the largest result that RunPod takes', async () => {
    const output = 'x'.repeat(10_000_000)
    vi.stubGlobal('fetch', async () => Response.json({ id: 'a', status: 'COMPLETED', output }))
    const answer = await status({ endpoint: 'https://gpus.test/v2/ep', apiKey: 'key' }, 'a')
    expect(answer).toMatchObject({ kind: 'observed', observation: { state: 'completed' } })
  })
})

test('A status is read also where a handler returned what JSON has no number for', async () => {
  const text =
    '{"id":"a-job","status":"COMPLETED","executionTime":1e999,"delayTime":5,"output":{"psnr":Infinity}}'
  vi.stubGlobal('fetch', async () => new Response(text))
  expect(await status({ endpoint: 'https://gpus.test/v2/ep', apiKey: 'key' }, 'a-job')).toMatchObject({
    kind: 'observed',
    // A time beyond every ttl would be no number in the list either.
    observation: { state: 'completed', usage: { delayMs: 5, executionMs: null } },
  })
})
