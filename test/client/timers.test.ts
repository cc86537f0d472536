/** Delays from external sources: a number that is too large neither makes a timer fire early nor never. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createExports, type ExportalError, type FetchLike } from '../../client/index.ts'
import { callAfter, sleep, within } from '../../client/time.ts'
import { aJob, quick } from '../support/node/client/samples.ts'

const DAY_MS = 86_400_000

describe('a timer', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test.each([2 ** 31 - 1, 2 ** 31, 30 * DAY_MS, 365 * DAY_MS])('of %i ms fires then and not before', (ms) => {
    const act = vi.fn()
    callAfter(ms, act)
    vi.advanceTimersByTime(ms - 1)
    expect(act).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(act).toHaveBeenCalledOnce()
  })

  test.each([Number.POSITIVE_INFINITY, Number.NaN])('of %d ms never fires', (ms) => {
    const act = vi.fn()
    callAfter(ms, act)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('below 0 fires at once', () => {
    const act = vi.fn()
    callAfter(-5, act)
    vi.advanceTimersByTime(0)
    expect(act).toHaveBeenCalledOnce()
  })

  test('that was stopped leaves nothing behind, in whatever slice it was', () => {
    const act = vi.fn()
    const stop = callAfter(60 * DAY_MS, act)
    vi.advanceTimersByTime(40 * DAY_MS)
    stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('of a sleep for months ends with its signal', async () => {
    const controller = new AbortController()
    const sleeping = sleep(90 * DAY_MS, controller.signal)
    controller.abort(new Error('enough'))
    await expect(sleeping).rejects.toThrow('enough')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('of a limit ends also what does not heed its signal', async () => {
    const limited = within(50, undefined, () => new Promise(() => {}))
    vi.advanceTimersByTime(50)
    await expect(limited).rejects.toThrow('Timed out')
  })
})

/** A service that answers every request with this. */
const answering =
  (status: number, headers: Record<string, string>, asked: string[] = []): FetchLike =>
  (url) => {
    asked.push(url)
    return Promise.resolve(new Response('{}', { status, headers }))
  }

const refusalOf = (headers: Record<string, string>) =>
  createExports({
    baseUrl: 'https://exports.test',
    fetch: answering(429, headers),
    timings: { maxRetryAfterMs: 0, retryBaseMs: 0 },
  })
    .jobs.get('job-1')
    .then(
      () => expect.unreachable(),
      (error: ExportalError) => error.retryAfterMs,
    )

describe('Retry-After', () => {
  test.each([
    ['2592000', 30 * DAY_MS],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    ['-5', undefined],
    ['1.5', undefined],
    ['1e400', undefined],
    ['NaN', undefined],
    ['soon', undefined],
    ['', undefined],
  ])('%s is read as it is written, or not at all', async (text, ms) => {
    expect(await refusalOf({ 'retry-after': text })).toBe(ms)
  })

  test('as a date counts by the clock of the service, which may be hours off', async () => {
    const date = new Date(Date.now() - 7 * 3_600_000)
    const later = new Date(date.getTime() + 90_000)
    expect(await refusalOf({ date: date.toUTCString(), 'retry-after': later.toUTCString() })).toBe(90_000)
  })

  test.each([
    ['of 30 days', '2592000'],
    ['of 400 digits', '9'.repeat(400)],
    ['in the year 9999', 'Fri, 31 Dec 9999 23:59:59 GMT'],
  ])('%s makes a watch pause for a quarter of an hour, neither less nor more', async (_, text) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      const asked: string[] = []
      const fetch = answering(503, { 'retry-after': text }, asked)
      // Without sockets, so that it polls.
      vi.stubGlobal('WebSocket', undefined)
      const watch = createExports({ baseUrl: 'https://exports.test', fetch, timings: quick }).jobs.watch(
        'job-1',
        {
          after: 0,
        },
      )
      await vi.advanceTimersByTimeAsync(15 * 60_000 - 1)
      expect(asked).toHaveLength(1)
      await vi.advanceTimersByTimeAsync(1)
      expect(asked).toHaveLength(2)
      watch.close()
      await expect(watch.done).rejects.toMatchObject({ name: 'AbortError' })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.unstubAllGlobals()
      vi.useRealTimers()
    }
  })
})

describe('limits of the caller', () => {
  const options = { baseUrl: 'https://exports.test' }

  test.each([Number.NaN, -1, '5 s'])(
    'timings that are no milliseconds are refused: %s',
    (requestTimeoutMs) => {
      expect(() =>
        createExports({ ...options, timings: { requestTimeoutMs: requestTimeoutMs as number } }),
      ).toThrow(`timings.requestTimeoutMs must be a number, 0 or more, and is ${requestTimeoutMs}`)
    },
  )

  test.each([Number.POSITIVE_INFINITY, 2 ** 31, 1e300])(
    'a request may take %d ms',
    async (requestTimeoutMs) => {
      const fetch = (_: string, init?: RequestInit) =>
        sleep(20, init?.signal ?? undefined).then(() => Response.json(aJob()))
      const exportal = createExports({ ...options, fetch, timings: { requestTimeoutMs, retryBaseMs: 0 } })
      expect((await exportal.jobs.get('job-1')).id).toBe('job-1')
    },
  )

  test.each([Number.POSITIVE_INFINITY, 2 ** 31, Number.NaN])(
    'a job may be waited for %d ms',
    async (timeoutMs) => {
      vi.stubGlobal('WebSocket', undefined)
      try {
        let polls = 0
        const fetch = (url: string) =>
          Promise.resolve(
            url.includes('/events')
              ? Response.json({ events: [], last_seq: 0 })
              : Response.json(aJob({ status: ++polls < 3 ? 'processing' : 'complete' }), {
                  headers: { etag: `"${polls}"` },
                }),
          )
        const exportal = createExports({ ...options, fetch, timings: quick })
        expect((await exportal.jobs.waitFor('job-1', { timeoutMs })).status).toBe('complete')
      } finally {
        vi.unstubAllGlobals()
      }
    },
  )
})
