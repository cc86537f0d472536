import { expect, test } from 'vitest'
import type { OpenBreaker, Refusal } from '../../actors/lane/state.ts'
import { stopWords } from '../../actors/lane/words.ts'

const NOW = Date.UTC(2026, 0, 1, 10, 3)
const MINUTE = 60_000

function refused(refusal: Pick<Refusal, 'cause' | 'status'>, more: Partial<OpenBreaker> = {}) {
  const breaker: OpenBreaker = {
    openedAt: NOW - MINUTE,
    until: NOW + MINUTE,
    strikes: 1,
    refusal: { detail: '', retryAfterMs: null, ...refusal },
    probe: null,
    ...more,
  }
  return { kind: 'refused', breaker } as const
}

test('a refusal says by whose fault, since when, and what comes next', () => {
  expect(stopWords(refused({ cause: 'deployment', status: 401 }), 14, NOW)).toBe(
    'RunPod refuses this deployment’s key (401) since 2026-01-01T10:02:00.000Z; next try 2026-01-01T10:04:00.000Z. 14 jobs wait.',
  )
  expect(stopWords(refused({ cause: 'deployment', status: 404 }), 1, NOW)).toMatch(
    /^RunPod refuses this deployment \(404\) .+ 1 job waits\.$/,
  )
  const probe = { key: 'a/1-1', at: NOW }
  expect(stopWords(refused({ cause: 'runpod', status: null }, { probe }), 2, NOW)).toMatch(
    /^RunPod takes no jobs since \S+; one job is trying now\. /,
  )
  expect(stopWords(refused({ cause: 'runpod', status: 503 }, { until: NOW }), 2, NOW)).toContain(
    '; the next job tries. ',
  )
})

test('a pause says by whom, and repeats the reason', () => {
  const pause = { by: 'ann@example.com', reason: 'planned maintenance. ', at: NOW }
  expect(stopWords({ kind: 'paused', pause }, 0, NOW)).toBe(
    'Paused by ann@example.com: planned maintenance. 0 jobs wait.',
  )
})
