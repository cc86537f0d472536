import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cancel, health, run, status } from '../../actors/runpod/client.ts'
import { fetchStatus } from '../../actors/shared/bounded-fetch.ts'

/** RunPod answers with a status, and with a body that never arrives completely. */
const RUNPOD = { endpoint: 'https://gpus.test/v2/ep', apiKey: 'key' }

const BODIES: [string, () => BodyInit][] = [
  [
    'breaks off',
    () => new ReadableStream({ start: (to) => to.error(new Error('The connection was reset.')) }),
  ],
  ['is too large', () => new Uint8Array(3 * 1024 * 1024)],
  ['is not JSON', () => '<html>'],
]

let statuses: Record<string, number> = {}
let makeBody: () => BodyInit

beforeEach(() => {
  vi.stubGlobal('fetch', async (url: string) => {
    const path = /\/(run|status|cancel|health)/.exec(url)?.[1] ?? ''
    return new Response(makeBody(), { status: statuses[path] ?? 500 })
  })
})
afterEach(() => vi.unstubAllGlobals())

describe.each(BODIES)('A body that %s', (_name, body) => {
  beforeEach(() => {
    makeBody = body
  })

  test.each([
    [401, 'runpod_unauthorized'],
    [402, 'runpod_no_credit'],
    [429, 'runpod_rate_limited'],
    [503, 'runpod_unavailable'],
    [400, 'dispatch_rejected'],
  ])('leaves the verdict of /run to its status %i', async (code, failure) => {
    statuses = { run: code }
    expect(await run(RUNPOD, {})).toMatchObject({ kind: 'refused', failure: { code: failure } })
  })

  test('leaves /run ambiguous where the id was in it', async () => {
    statuses = { run: 200 }
    expect(await run(RUNPOD, {})).toMatchObject({ kind: 'ambiguous' })
  })

  test('leaves a job that RunPod does not know unknown', async () => {
    statuses = { status: 404, cancel: 404, health: 200 }
    expect(await status(RUNPOD, 'a-job')).toMatchObject({ kind: 'observed', observation: { state: 'gone' } })
    expect(await cancel(RUNPOD, 'a-job')).toEqual({ kind: 'missing' })
  })

  test('says nothing of workers', async () => {
    statuses = { health: 200 }
    expect(await health(RUNPOD, 0)).toBeNull()
  })
})

test('A body that is of no use is cancelled unread', async () => {
  const cancelled = vi.fn()
  const body = new ReadableStream({ cancel: cancelled }, { highWaterMark: 0 })
  vi.stubGlobal('fetch', async () => new Response(body, { status: 202 }))
  expect(await fetchStatus('https://hooks.test/', {}, 1_000)).toMatchObject({ kind: 'answered', status: 202 })
  expect(cancelled).toHaveBeenCalledOnce()
})
