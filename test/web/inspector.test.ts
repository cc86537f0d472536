import { describe, expect, test } from 'vitest'
import type { JobEvent } from '../../client/index.ts'
import { advised, consoleOf, isHeld } from '../../web/src/admin/job/advice.ts'
import { markKind, timelineOf } from '../../web/src/admin/job/lanes.ts'
import { merged } from '../../web/src/admin/job/log-lines.ts'
import { isTrouble, matches } from '../../web/src/admin/job/search.ts'
import type { InspectedAttempt, InspectedJob } from '../../wire/admin.ts'
import type { LogType } from '../../wire/events.ts'
import type { JobStatus } from '../../wire/job.ts'

const T0 = Date.UTC(2026, 0, 1)
const at = (seconds: number) => new Date(T0 + seconds * 1000).toISOString()

function event(seq: number, type: LogType, data: object = {}, attempt: number | null = 1): JobEvent {
  return { seq, type, at: at(seq), round: attempt === null ? null : 1, attempt, data } as JobEvent
}

function anAttempt(over: Partial<InspectedAttempt> = {}): InspectedAttempt {
  return {
    round: 1,
    attempt: 1,
    endpoint: { name: 'default', url: 'https://api.runpod.ai/v2/a' },
    runpod_job_id: 'rp',
    output_video_key: 'output/1-1.mp4',
    dispatched_at: at(0),
    queued_at: at(1),
    started_at: at(5),
    ended_at: at(9),
    remote: 'ended',
    remote_ended_at: at(9),
    outcome: 'won',
    counts: true,
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

  test('has the pauses between attempts, and the silence of a worker that is waited for', () => {
    const attempts = [
      anAttempt({ outcome: 'failed', failure: { code: 'stalled', message: 'Silent.', retryable: true } }),
      anAttempt({
        attempt: 2,
        outcome: 'open',
        dispatched_at: at(15),
        queued_at: at(16),
        started_at: at(20),
        ended_at: null,
        remote_ended_at: null,
      }),
    ]
    const open = { createdAt: at(0), finishedAt: null, heardAt: at(30), stallSeconds: 60 }
    const { lanes } = timelineOf(attempts, [], open, T0 + 100_000)
    expect(lanes[2]?.bars.map(({ kind, from, to }) => [kind, (from - T0) / 1000, (to - T0) / 1000])).toEqual([
      ['backoff', 9, 15],
      ['sent', 15, 16],
      ['queue', 16, 20],
      ['run', 20, 100],
      ['silence', 30, 100],
    ])
    const fresh = timelineOf(attempts, [], { ...open, heardAt: at(95) }, T0 + 100_000)
    expect(fresh.lanes[2]?.bars.map(({ kind }) => kind)).not.toContain('silence')
    const waiting = timelineOf(attempts.slice(0, 1), [], { ...open, nextAt: at(120) }, T0 + 100_000)
    expect(waiting.lanes[1]?.bars.at(-1)).toEqual({ kind: 'backoff', from: T0 + 9_000, to: T0 + 100_000 })
  })

  test('has one lane for dispatches that were refused in a row, and counts only those that count', () => {
    const failure = { code: 'runpod_rate_limited', message: 'Too many.', retryable: true }
    const refused = { counts: false, outcome: 'failed', failure, queued_at: null, started_at: null } as const
    const attempts = [
      anAttempt({ ...refused, ended_at: at(1) }),
      anAttempt({ ...refused, attempt: 2, dispatched_at: at(5), ended_at: at(6) }),
      anAttempt({ attempt: 3, dispatched_at: at(8), queued_at: at(8), started_at: at(8) }),
    ]
    const marks = [event(2, 'attempt_failed', {}, 1), event(6, 'attempt_failed', {}, 2)]
    const { lanes } = timelineOf(attempts, marks, span, T0)
    expect(lanes.map(({ name, end }) => [name, end])).toEqual([
      ['Job', ''],
      ['Refused × 2', 'runpod_rate_limited'],
      ['Attempt 1', 'result stored'],
    ])
    expect(lanes[1]?.bars).toEqual([{ kind: 'sent', from: T0, to: T0 + 6_000 }])
    expect(lanes[1]?.marks).toHaveLength(2)
  })

  test.each([
    [event(1, 'attempt_failed', { code: 'given_up', by: 'ada' }), 'operator'],
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

describe('the advice beside a finding', () => {
  const open = anAttempt({ outcome: 'open', ended_at: null, remote: 'live', remote_ended_at: null })
  const opened = (status: JobStatus, attempts: InspectedAttempt[], over: object = {}) =>
    ({
      job: { status, attempt: 1, max_attempts: 3, ...over },
      actor: { attempts, outbox: { webhooks: [{ id: 'w1', event: 'queued', tries: 2 }] } },
    }) as unknown as InspectedJob
  const unconfirmed = anAttempt({
    outcome: 'closed',
    cancel: { asked_at: at(0), tries: 2, next_try_at: at(9), confirmed_at: null },
  })

  test.each([
    ['waiting_for_gpu', opened('queued', [open]), 'recheck'],
    ['refused', opened('pending', [anAttempt({ counts: false, outcome: 'failed' })]), 'retry_now'],
    ['waiting_for_retry', opened('pending', [anAttempt({ outcome: 'failed' })]), 'retry_now'],
    ['not_configured', opened('pending', []), 'retry_now'],
    ['stalled', opened('processing', [open]), 'give_up'],
    ['stalled', opened('processing', [open], { attempt: 3 }), 'recheck'],
    ['cancel_unconfirmed', opened('cancelling', [unconfirmed]), 'recheck'],
    ['output_missing', opened('pending', [anAttempt({ outcome: 'failed' })]), 'retry_now'],
    ['deadline_near', opened('queued', [open]), 'extend_deadline'],
    ['mirror_behind', opened('complete', [anAttempt()]), 'remirror'],
    ['webhook_failing', opened('complete', [anAttempt()]), 'redeliver'],
    ['ended', opened('error', []), 'retry_now'],
    ['ended', opened('complete', [anAttempt()]), null],
    ['lost_webhook', opened('complete', [anAttempt()]), null],
    ['under_way', opened('processing', [open]), null],
  ] as const)('%s (%#) is what can be done', (code, job, action) => {
    const advice = advised({ code, cause: 'The receiver did not take “queued”', next: null }, job)
    expect(advice?.action ?? null).toBe(action)
    if (action === 'redeliver') expect(advice?.delivery).toBe('w1')
    if (action === 'give_up') expect(advice?.attempt).toEqual({ round: 1, attempt: 1 })
  })

  test('is to see the lane, for a job that it holds', () => {
    const queue = {
      ahead: 3,
      ahead_of_project: 1,
      as_of: at(0),
      paused: false,
      reason: 'RunPod takes no jobs.',
    }
    const held = opened('pending', [], { queue })
    const seen = (['refused', 'under_way', 'waiting_for_retry', 'deadline_near'] as const).map((code) =>
      isHeld({ code, cause: 'It waits.', next: null }, held),
    )
    expect(seen).toEqual([true, true, true, false])
    const free = opened('pending', [], { queue: null })
    expect(isHeld({ code: 'refused', cause: 'It waits.', next: null }, free)).toBe(false)
  })

  test('leads to RunPod’s console, for an endpoint of theirs', () => {
    expect(consoleOf('https://api.runpod.ai/v2/abc123')).toBe(
      'https://console.runpod.io/serverless/user/endpoint/abc123',
    )
    for (const url of [
      'http://localhost:1/v2/abc',
      'https://evil.test/https://api.runpod.ai/v2/a',
      undefined,
    ])
      expect(consoleOf(url)).toBeNull()
  })
})
