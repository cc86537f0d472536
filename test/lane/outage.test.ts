import { describe, expect, test } from 'vitest'
import { metOutage, PAUSES_MS, PROBE_MS } from '../../actors/lane/breaker.ts'
import { MAX_OFFERED, wakeAt } from '../../actors/lane/rules.ts'
import { ask, BUSY, GRANTED, KEY, Story, T0 } from './story.ts'

describe('The breaker', () => {
  test('opens at a refusal, doubles its pause, and lets one job try', () => {
    const story = new Story(null)
    expect(story.ask('a')).toEqual(GRANTED)
    story.tell((draft) => draft.outcome(ask('a'), { kind: 'refused', ...BUSY }))
    expect(story.ask('b')).toMatchObject({ kind: 'waiting', waiting: 1, reason: { kind: 'refused' } })
    expect(wakeAt(story.lane, story.now)).toBe(T0 + PAUSES_MS.runpod.first)
    story.now += PAUSES_MS.runpod.first
    story.tell((draft) => draft.wake())
    expect(story.calls).toEqual(['offer b'])
    expect(story.ask('b')).toEqual({ kind: 'granted', tellOutcome: true })
    expect(story.ask('c')).toMatchObject({ kind: 'waiting', reason: { kind: 'refused' } })
    story.tell((draft) => draft.outcome(ask('b'), { kind: 'refused', ...BUSY }))
    expect(story.lane.breaker).toMatchObject({ strikes: 2, until: story.now + 2 * PAUSES_MS.runpod.first })
    story.now += 2 * PAUSES_MS.runpod.first
    expect(story.ask('c')).toEqual({ kind: 'granted', tellOutcome: true })
    story.tell((draft) => draft.outcome(ask('c'), { kind: 'took' }))
    expect(story.lane.breaker).toBeNull()
    expect(story.ask('b')).toEqual(GRANTED)
  })

  test('waits as long as it is told, or longer where the deployment is at fault', () => {
    const story = new Story(null)
    story.tell((draft) => draft.outcome(ask('a'), { kind: 'refused', ...BUSY, retryAfterMs: 42_000 }))
    expect(story.lane.breaker?.until).toBe(T0 + 42_000)
    const other = new Story(null)
    other.tell((draft) => draft.outcome(ask('a'), { kind: 'refused', ...KEY }))
    expect(other.lane.breaker?.until).toBe(T0 + PAUSES_MS.deployment.first)
  })

  test('opens at the second ambiguous answer in a row, and not where one was taken between', () => {
    const story = new Story(null)
    story.tell((draft) => draft.outcome(ask('a'), { kind: 'ambiguous' }))
    expect(story.ask('b')).toEqual({ kind: 'granted', tellOutcome: true })
    story.tell((draft) => draft.outcome(ask('b'), { kind: 'took' }))
    story.tell((draft) => draft.outcome(ask('c'), { kind: 'ambiguous' }))
    expect(story.lane.breaker).toBeNull()
    story.tell((draft) => draft.outcome(ask('d'), { kind: 'ambiguous' }))
    expect(story.lane.breaker).toMatchObject({ strikes: 1 })
  })

  test.each([0, null])('grows its own pauses where it is told to come back at once: %j', (retryAfterMs) => {
    const story = new Story(null)
    story.tell((draft) => draft.outcome(ask('a'), { kind: 'refused', ...BUSY, retryAfterMs }))
    expect(story.lane.breaker?.until).toBe(T0 + PAUSES_MS.runpod.first)
    expect(story.ask('b')).toMatchObject({ kind: 'waiting', reason: { kind: 'refused' } })
  })

  test('grants the probe again to the job whose grant was lost', () => {
    const story = new Story(null)
    story.tell((draft) => draft.outcome(ask('a'), { kind: 'refused', ...BUSY }))
    story.now += PAUSES_MS.runpod.first
    expect(story.ask('b')).toEqual({ kind: 'granted', tellOutcome: true })
    expect(story.ask('b')).toEqual({ kind: 'granted', tellOutcome: true })
    expect(story.ask('c')).toMatchObject({ kind: 'waiting' })
  })

  test('is not held up by a probe of which nothing is heard', () => {
    const story = new Story(null)
    story.tell((draft) => draft.outcome(ask('a'), { kind: 'refused', ...BUSY }))
    story.now += PAUSES_MS.runpod.first
    story.ask('b')
    expect(story.ask('c')).toMatchObject({ kind: 'waiting' })
    story.now += PROBE_MS
    story.tell((draft) => draft.wake())
    expect(story.calls).toEqual(['offer c'])
    expect(story.ask('c')).toMatchObject({ kind: 'granted' })
  })

  test('is not opened again by the refusals of those who were under way', () => {
    const story = new Story(null)
    for (const id of ['a', 'b', 'c']) story.ask(id)
    for (const id of ['a', 'b', 'c'])
      story.tell((draft) => draft.outcome(ask(id), { kind: 'refused', ...BUSY }))
    expect(story.lane.breaker).toMatchObject({ strikes: 1 })
  })

  test('is closed by hand', () => {
    const story = new Story(1)
    story.tell((draft) => draft.outcome(ask('a'), { kind: 'refused', ...KEY }))
    story.ask('b')
    story.tell((draft) => draft.closeBreaker())
    expect(story.calls).toEqual(['offer b'])
  })
})

describe('An attempt of which RunPod never said whether it took it', () => {
  test('met with an outage while nobody else was taken, or the breaker was open meanwhile', () => {
    const story = new Story(null)
    expect(metOutage(story.lane, T0)).toBe(false)
    story.tell((draft) => draft.outcome(ask('a'), { kind: 'ambiguous' }))
    expect(metOutage(story.lane, T0)).toBe(true)
    story.tell((draft) => draft.outcome(ask('b'), { kind: 'took' }))
    expect(metOutage(story.lane, T0)).toBe(false)
    story.now += 1
    for (const id of ['c', 'd']) story.tell((draft) => draft.outcome(ask(id), { kind: 'ambiguous' }))
    expect(metOutage(story.lane, T0)).toBe(true)
    story.now += 1
    story.tell((draft) => draft.outcome(ask('e'), { kind: 'took' }))
    expect(metOutage(story.lane, story.now)).toBe(true)
    expect(metOutage(story.lane, story.now + 1)).toBe(false)
    expect(story.lane.outages).toMatchObject([{ openedAt: T0 + 1, closedAt: T0 + 2, strikes: 1 }])
  })
})

describe('After an outage', () => {
  test('all that wait are called, some at a time', () => {
    const story = new Story(null)
    story.tell((draft) => draft.outcome(ask('a'), { kind: 'refused', ...BUSY }))
    const ids = Array.from({ length: 3 * MAX_OFFERED }, (_, i) => `w${i}`)
    for (const id of ids) story.ask(id)
    story.tell((draft) => draft.closeBreaker())
    expect(story.calls).toHaveLength(MAX_OFFERED)
    story.ask('w0')
    expect(story.calls).toHaveLength(1)
    expect(story.ask('late')).toMatchObject({ kind: 'waiting' })
  })
})

describe('A pause', () => {
  test('sends nobody, says who and why, and ends with all who may go', () => {
    const story = new Story(2)
    const pause = { by: 'ann', reason: 'maintenance', at: T0 }
    story.tell((draft) => draft.setPause(pause))
    for (const id of ['a', 'b', 'c']) {
      expect(story.ask(id)).toMatchObject({ kind: 'waiting', reason: { kind: 'paused', pause } })
    }
    story.tell((draft) => draft.setPause(null))
    expect(story.calls).toEqual(['offer a', 'offer b'])
  })
})
