import { describe, expect, test } from 'vitest'
import type { JobEvent } from '../../client/index.ts'
import { markKind, timelineOf } from '../../web/src/admin/job/lanes.ts'
import { merged } from '../../web/src/admin/job/log-lines.ts'
import { isTrouble, matches } from '../../web/src/admin/job/search.ts'
import type { InspectedAttempt } from '../../wire/admin.ts'
import type { LogType } from '../../wire/events.ts'

const T0 = Date.UTC(2026, 0, 1)
const at = (seconds: number) => new Date(T0 + seconds * 1000).toISOString()

function event(seq: number, type: LogType, data: object = {}, attempt: number | null = 1): JobEvent {
  return { seq, type, at: at(seq), round: attempt === null ? null : 1, attempt, data } as JobEvent
}

function anAttempt(over: Partial<InspectedAttempt> = {}): InspectedAttempt {
  return {
    round: 1,
    attempt: 1,
    runpod_job_id: 'rp',
    output_video_key: 'output/1-1.mp4',
    dispatched_at: at(0),
    queued_at: at(1),
    started_at: at(5),
    ended_at: at(9),
    remote: 'ended',
    remote_ended_at: at(9),
    outcome: 'won',
    failure: null,
    done_by: 'report',
    cancel: null,
    delay_seconds: null,
    execution_seconds: null,
    worker_id: null,
    gpu_seconds: 4,
    estimated: true,
    cost: null,
    wasted: false,
    late_reports: 0,
    ...over,
  }
}

describe('the timeline', () => {
  const span = { createdAt: at(0), finishedAt: at(10) }

  test('has a lane for the job and one for each attempt: sent, queued, run, and the reason at its end', () => {
    const failure = { code: 'stalled', message: 'Silent.', retryable: true }
    const attempts = [
      anAttempt({ outcome: 'failed', failure }),
      anAttempt({ attempt: 2, dispatched_at: at(9) }),
    ]
    const { lanes, from, to } = timelineOf(attempts, [], span, T0 + 60_000)
    expect([from, to]).toEqual([T0, T0 + 10_000])
    expect(lanes.map(({ name, end }) => [name, end])).toEqual([
      ['Job', ''],
      ['Attempt 1', 'stalled'],
      ['Attempt 2', 'result stored'],
    ])
    expect(lanes[1]?.bars).toEqual([
      { kind: 'sent', from: T0, to: T0 + 1_000 },
      { kind: 'queue', from: T0 + 1_000, to: T0 + 5_000 },
      { kind: 'run', from: T0 + 5_000, to: T0 + 9_000 },
    ])
  })

  test('of an attempt under way runs on to now', () => {
    const open = anAttempt({ outcome: 'open', ended_at: null, remote_ended_at: null })
    const { lanes, to } = timelineOf([open], [], { createdAt: at(0), finishedAt: null }, T0 + 20_000)
    expect(to).toBe(T0 + 20_000)
    expect(lanes[1]?.bars.at(-1)).toEqual({ kind: 'run', from: T0 + 5_000, to: T0 + 20_000 })
  })

  test('of a job that has ended reaches to what happened to it after that', () => {
    const late = event(40, 'late_report', { kind: 'progress' })
    const { lanes, to } = timelineOf([anAttempt()], [event(1, 'created', {}, null), late], span, T0 + 60_000)
    expect(to).toBe(T0 + 40_000)
    expect(lanes[1]?.marks).toMatchObject([{ seq: 40, at: to }])
  })

  test.each([
    [event(1, 'processing', { source: 'report' }), 'report'],
    [event(1, 'stage'), 'report'],
    [event(1, 'verifying', { source: 'webhook' }), 'callback'],
    [event(1, 'verifying', { source: 'poll' }), 'alarm'],
    [event(1, 'attempt_started'), 'alarm'],
    [event(1, 'webhook_failed'), 'webhook'],
    [event(1, 'recheck_requested', { by: 'ada' }), 'operator'],
  ] as const)('marks an event by what it came of (%#)', (line, kind) => {
    expect(markKind(line)).toBe(kind)
  })

  test('thins what would lie on one another, and leaves no event without a mark near it', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => ({ ...event(i, 'stage'), at: at(i / 1_000) }))
    const { lanes } = timelineOf([anAttempt()], many, span, T0)
    expect(lanes[1]?.marks.length).toBeLessThanOrEqual(201)
    expect(lanes[1]?.marks.length).toBeGreaterThan(90)
  })
})

describe('the log', () => {
  const lines = [1, 2, 3, 4, 5].map((seq) => event(seq, 'stage'))

  test('comes together from pages and single lines in any order, each line once', () => {
    const [a, b, c, d, e] = lines as [JobEvent, JobEvent, JobEvent, JobEvent, JobEvent]
    expect(merged([c, d], [e])).toEqual([c, d, e])
    expect(merged([c, d], [a, b])).toEqual([a, b, c, d])
    expect(merged([a, d], [a, b, c, d])).toEqual([a, b, c, d])
    expect(merged([a], [])).toEqual([a])
  })

  test('is searched by every word, in number, type and details', () => {
    const failed = event(42, 'attempt_failed', { code: 'stalled' })
    expect(['42', 'attempt failed', 'STALLED attempt', ''].map((words) => matches(failed, words))).toEqual(
      Array(4).fill(true),
    )
    expect(matches(failed, 'stalled webhook')).toBe(false)
    expect([isTrouble(failed), isTrouble(event(1, 'stage'))]).toEqual([true, false])
  })
})
