import { describe, expect, test } from 'vitest'
import type { Job } from '../../client/index.ts'
import { verdictOf } from '../../web/src/job/verdict.ts'
import { timeLeft } from '../../web/src/ui/time-left.ts'
import { FAILURES } from '../../wire/failures.ts'
import { aJob } from '../support/node/client/samples.ts'

const T0 = Date.UTC(2026, 0, 1)
const at = (seconds: number) => new Date(T0 + seconds * 1000).toISOString()
const failedWith = (code: string, over: Partial<Job> = {}) =>
  aJob({ status: 'error', error: { code, message: 'Because.', retryable: true }, ...over })

describe('what the page says of a job', () => {
  test.each(Object.entries(FAILURES))(
    'that failed with %s: a heading of its own, and what helps',
    (code, words) => {
      const { title, remedy } = verdictOf(failedWith(code), T0)
      expect(title).toBe(words.title)
      expect(title).toMatch(/^[A-Z][^.]*[^.]$/)
      expect(remedy).toBe(words.action === 'operator' ? null : words.action)
    },
  )

  test('that failed with a code of its worker: what helps is what the worker said', () => {
    expect(verdictOf(failedWith('lens_dirty'), T0)).toMatchObject({
      title: 'The export failed',
      remedy: 'retry',
    })
    const error = { code: 'toString', message: 'No.', retryable: false }
    expect(verdictOf(aJob({ status: 'error', error }), T0)).toMatchObject({ remedy: 'change' })
  })

  test('that was retired: nothing that cannot be done any more is advised', () => {
    expect(verdictOf(failedWith('stalled', { archived: true }), T0).remedy).toBeNull()
    expect(verdictOf(aJob({ status: 'complete', archived: true }), T0).remedy).toBe('upload')
    expect(verdictOf(aJob({ status: 'cancelled', archived: true }), T0).remedy).toBeNull()
  })

  test('that waits: for what, and how many are ahead where the service says', () => {
    const queue = { ahead: 6, ahead_of_project: 2, as_of: at(0), paused: false, reason: 'Six are ahead.' }
    const waiting = aJob({ status: 'pending', error: null })
    expect(verdictOf({ ...waiting, queue }, T0).title).toBe('Waiting for a GPU, 6 ahead')
    expect(verdictOf({ ...waiting, queue: { ...queue, ahead: 0 } }, T0).title).toBe(
      'Waiting for a GPU, next in line',
    )
    expect(verdictOf({ ...waiting, queue: { ...queue, paused: true } }, T0)).toMatchObject({
      title: 'Exports are paused',
      text: 'Six are ahead.',
    })
    const error = { code: 'stalled', message: 'Silent.', retryable: true }
    const again = aJob({ status: 'pending', error, next_attempt_at: at(8) })
    expect(verdictOf(again, T0)).toMatchObject({
      title: 'The GPU fell silent: it is tried again',
      text: 'By itself, in 8 s.',
    })
  })
})

test('the time left counts down from when it was said, and a silence is told', () => {
  const job = aJob({ status: 'processing', eta_seconds: 30, last_report_at: at(0) })
  const words = (seconds: number) => timeLeft(job, T0 + seconds * 1000)
  expect([0, 10, 19].map(words)).toEqual(['about 30 s left', 'about 20 s left', 'about 11 s left'])
  expect([25, 40].map(words)).toEqual(['last news 25 s ago', 'longer than expected, last news 40 s ago'])
  expect(timeLeft({ ...job, eta_seconds: 5 }, T0 + 10_000)).toBe('almost there')
  expect(timeLeft({ ...job, eta_seconds: null }, T0 + 10_000)).toBeNull()
  expect(timeLeft({ ...job, status: 'complete' }, T0)).toBeNull()
})
