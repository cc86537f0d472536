import { describe, expect, test } from 'vitest'
import type { Job, JobEvent } from '../../client/index.ts'
import { stepsOf } from '../../web/src/job/timeline.ts'
import { aJob } from '../support/node/client/samples.ts'

/** Log lines a second apart, `type` or `type:stage`, each of the attempt that was started last. */
function log(...lines: string[]): JobEvent[] {
  let attempt: number | null = null
  return lines.map((line, index) => {
    const [type = '', stage] = line.split(':')
    if (type === 'attempt_started') attempt = (attempt ?? 0) + 1
    const at = new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString()
    const written = { seq: index + 1, type, at, round: attempt && 1, attempt, data: stage ? { stage } : {} }
    return written as JobEvent
  })
}

/** `Accepted done 0-1`: name, state, and its start and end in seconds of the log. */
function steps(patch: Partial<Job>, events: JobEvent[]): string[] {
  const second = (at: string | null) => (at === null ? '' : new Date(at).getUTCSeconds())
  const job = aJob({ created_at: events[0]?.at ?? '', ...patch })
  return stepsOf(job, events).map(
    ({ name, state, at, until }) => `${name} ${state} ${second(at)}-${second(until)}`,
  )
}

const FIRST = ['created', 'attempt_started', 'queued', 'processing:downloading']

describe('the steps of a job', () => {
  test('are reached one after the other', () => {
    expect(steps({ status: 'processing' }, log(...FIRST))).toEqual([
      'Accepted done 0-2',
      'Queued done 2-3',
      'Rendering now 3-',
      'Storing ahead -',
      'Stored ahead -',
    ])
    expect(steps({ status: 'complete' }, log(...FIRST, 'verifying', 'complete'))).toEqual([
      'Accepted done 0-2',
      'Queued done 2-3',
      'Rendering done 3-4',
      'Storing done 4-5',
      'Stored done 5-',
    ])
  })

  test('belong to the current attempt: what a failed one reached lies ahead again', () => {
    const failed = log(...FIRST, 'attempt_failed')
    expect(steps({ status: 'pending' }, failed)).toEqual([
      'Accepted now 0-',
      'Queued ahead -',
      'Rendering ahead -',
      'Storing ahead -',
      'Stored ahead -',
    ])
    const again = log(...FIRST, 'attempt_failed', 'attempt_started', 'queued')
    expect(steps({ status: 'queued', attempt: 2 }, again)).toEqual([
      'Accepted done 0-2',
      'Queued now 6-',
      'Rendering ahead -',
      'Storing ahead -',
      'Stored ahead -',
    ])
  })

  test('end where the job ended, and begin anew with a retry by hand', () => {
    const ended = log(...FIRST, 'error')
    expect(steps({ status: 'error', finished_at: ended[4]?.at ?? '' }, ended)).toEqual([
      'Accepted done 0-2',
      'Queued done 2-3',
      'Rendering failed 3-4',
      'Storing ahead -',
      'Stored ahead -',
    ])
    expect(steps({ status: 'pending' }, log(...FIRST, 'error', 'retried'))[0]).toBe('Accepted now 5-')
  })
})
