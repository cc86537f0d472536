/** The poster of a result: planned and stored, or omitted, which does not affect the result. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../runpod-local/clock.ts'
import { POSTER_MS, posterArgs, storePoster } from '../../runpod-local/worker/poster.ts'
import type { Probe } from '../../runpod-local/worker/probe.ts'
import { eventually, type Json, startLocal, temporaryDir } from '../support/node/runpod-local/local.ts'
import { ManualClock } from '../support/node/runpod-local/manual-clock.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

const POSTER = '/put/1-1.jpg'
const vectors = JSON.parse(readFileSync('test/vectors/posters.json', 'utf8')) as {
  cases: { name: string; result: Probe; args: string[] }[]
}

it.each(vectors.cases)('$name', ({ result, args }) => {
  expect(posterArgs(result, 'output.mp4')).toEqual(args)
})

describe('A poster', () => {
  const how = { signal: new AbortController().signal, backoffMs: [], log: () => {} }

  it('that takes too long is stopped, and fails nothing', async () => {
    const clock = new ManualClock()
    const endless = (signal: AbortSignal) =>
      new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const stored = storePoster(endless, 'http://127.0.0.1:1/', { ...how, clock })
    clock.advance(POSTER_MS)
    expect(await stored).toBe(false)
  })

  it('that cannot be made fails nothing', async () => {
    const broken = () => Promise.reject(new Error('no frame'))
    expect(await storePoster(broken, 'http://127.0.0.1:1/', { ...how, clock: systemClock })).toBe(false)
  })

  it('ends with the job that is stopped', async () => {
    const stop = new AbortController()
    const make = async () => {
      stop.abort(new Error('enough'))
      return join(await temporaryDir(), 'none.jpg')
    }
    const stored = storePoster(make, 'http://127.0.0.1:1/', {
      ...how,
      clock: systemClock,
      signal: stop.signal,
    })
    await expect(stored).rejects.toThrow('enough')
  })
})

it('is stored by a worker that renders nothing, for benches', async () => {
  const service = await fakeService()
  const local = await startLocal({ worker: 'noop' })
  const output = {
    ...(service.input('overlay', {}).output as Json),
    poster_put_url: `${service.url}${POSTER}`,
  }
  await local.post('/run', { input: service.input('overlay', {}, { output }) })
  await eventually(() => expect(service.of('complete')[0]?.body).toMatchObject({ poster: true }))
  expect(service.stored.has(POSTER)).toBe(true)
})
