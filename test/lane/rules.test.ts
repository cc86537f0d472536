import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ahead } from '../../actors/lane/order.ts'
import { ASK_AGAIN_MS, CHECK_MS, MAX_CHECKED, OFFER_MS, wakeAt } from '../../actors/lane/rules.ts'
import { keyOf, type Waiter } from '../../actors/lane/state.ts'
import { ask, callOf, GRANTED, HOUR, Story, T0 } from './story.ts'

describe('A lane with places', () => {
  test('lends them until there are none, and says how many are ahead', () => {
    const story = new Story(2)
    expect(story.ask('a')).toEqual(GRANTED)
    expect(story.ask('b')).toEqual(GRANTED)
    expect(story.ask('c')).toMatchObject({ kind: 'waiting', ahead: 0, askAgainAt: T0 + ASK_AGAIN_MS })
    expect(story.ask('d')).toMatchObject({ kind: 'waiting', ahead: 1, aheadOfProject: 1 })
    expect(story.lane.places.size).toBe(2)
  })

  test('grants the same ask again without lending another place', () => {
    const story = new Story(1)
    story.ask('a')
    expect(story.ask('a')).toEqual(GRANTED)
    expect(story.lane.places.size).toBe(1)
  })

  test('offers a returned place to the next, who is granted when it comes', () => {
    const story = new Story(1)
    story.ask('a')
    story.ask('b')
    story.ask('c')
    story.tell((draft) => draft.release(ask('a')))
    expect(story.calls).toEqual(['offer b'])
    expect(story.ask('c')).toMatchObject({ kind: 'waiting' })
    expect(story.ask('b')).toEqual(GRANTED)
    expect(story.lane.places.size).toBe(1)
  })

  test.each(['no', 'error'] as const)('passes an offer on at once when it is answered %s', (answer) => {
    const story = new Story(1)
    for (const id of ['a', 'b', 'c']) story.ask(id)
    story.tell((draft) => draft.release(ask('a')))
    story.tell((draft) => draft.offerAnswered(callOf('b'), answer))
    expect(story.calls).toEqual(['offer c'])
    expect(story.lane.waiters.has(keyOf(ask('b')))).toBe(answer === 'error')
  })

  test('passes an offer on after 30 s when nobody came, and lets the late one wait on', () => {
    const story = new Story(1)
    for (const id of ['a', 'b', 'c']) story.ask(id)
    story.tell((draft) => draft.release(ask('a')))
    expect(wakeAt(story.lane, story.now)).toBe(T0 + OFFER_MS)
    story.now += OFFER_MS
    story.tell((draft) => draft.wake())
    expect(story.calls).toEqual(['offer c'])
    expect(story.ask('b')).toMatchObject({ kind: 'waiting', ahead: 1 })
    expect(story.ask('c')).toEqual(GRANTED)
  })

  test('withdraws its offers when it is paused, so that whoever came in vain is the next', () => {
    const story = new Story(1)
    for (const id of ['a', 'b']) story.ask(id)
    story.tell((draft) => draft.release(ask('a')))
    story.tell((draft) => draft.setPause({ by: 'ann', reason: 'maintenance', at: story.now }))
    expect(story.ask('b')).toMatchObject({ kind: 'waiting', reason: { kind: 'paused' } })
    story.now += OFFER_MS
    story.tell((draft) => draft.wake())
    expect(story.calls).toEqual([])
    story.tell((draft) => draft.setPause(null))
    expect(story.calls).toEqual(['offer b'])
  })

  test('calls a job that was passed over every 3 min, and reserves it no place', () => {
    const story = new Story(1)
    for (const id of ['a', 'b']) story.ask(id)
    story.tell((draft) => draft.release(ask('a')))
    story.tell((draft) => draft.offerAnswered(callOf('b'), 'error'))
    for (let call = 1; call <= 2; call++) {
      story.now = T0 + call * CHECK_MS
      expect(wakeAt(story.lane, story.now)).toBe(story.now)
      story.tell((draft) => draft.wake())
      expect(story.calls).toEqual(['offer b'])
      story.tell((draft) => draft.offerAnswered(callOf('b'), call === 1 ? 'error' : 'coming'))
    }
    expect(story.ask('c')).toEqual(GRANTED)
    story.tell((draft) => draft.release(ask('c')))
    expect(story.ask('b')).toEqual(GRANTED)
  })

  test('asks after 3 min whether a job holds its place, and takes it back', () => {
    const story = new Story(1)
    story.ask('a')
    story.ask('b')
    story.now += CHECK_MS
    expect(wakeAt(story.lane, story.now)).toBe(story.now)
    story.tell((draft) => draft.wake())
    expect(story.calls).toEqual(['holds a'])
    expect(wakeAt(story.lane, story.now)).toBe(story.now + CHECK_MS)
    story.tell((draft) => draft.holdsAnswered({ ...callOf('a'), version: 1 }, false))
    expect(story.lane.places.size).toBe(1)
    story.tell((draft) => draft.holdsAnswered(callOf('a'), false))
    expect(story.calls).toEqual(['offer b'])
    expect(story.lane.places.size).toBe(0)
  })

  test('has no alarm while nobody waits, and looks into what is overdue when somebody comes', () => {
    const story = new Story(1)
    story.ask('a')
    expect(wakeAt(story.lane, story.now)).toBeNull()
    story.now += CHECK_MS
    story.ask('b')
    expect(story.calls).toEqual(['holds a'])
  })

  test('is not misled by the answer of a job that has asked anew since', () => {
    const story = new Story(1)
    for (const id of ['a', 'b']) story.ask(id)
    story.tell((draft) => draft.release(ask('a')))
    story.tell((draft) => draft.release(ask('b')))
    story.ask('c')
    story.ask('b', 1, { version: 3 })
    story.tell((draft) => draft.offerAnswered(callOf('b'), 'no'))
    expect(story.order).toEqual(['b'])
  })

  test('leaves a job the place that it holds until its ttl, and asks on', () => {
    const story = new Story(1)
    story.ask('a', 1, { until: T0 + HOUR })
    story.ask('b')
    for (let check = 1; check <= 2; check++) {
      story.now = T0 + check * CHECK_MS
      expect(wakeAt(story.lane, story.now)).toBe(story.now)
      story.tell((draft) => draft.wake())
      expect(story.calls).toEqual(['holds a'])
      story.tell((draft) => draft.holdsAnswered(callOf('a'), true))
      expect(story.lane.places.size).toBe(1)
    }
    story.now = T0 + HOUR
    story.tell((draft) => draft.wake())
    expect(story.calls).toEqual(['offer b'])
    expect(story.lane.places.size).toBe(0)
  })

  test('refuses an ask that is not newer than the release', () => {
    const story = new Story(1)
    expect(story.tell((draft) => draft.ask(ask('a'), 2))).toEqual({ kind: 'stale' })
    expect(story.tell((draft) => draft.ask(ask('a', 1, { version: 3 }), 2))).toEqual(GRANTED)
  })

  test('counts a job that went without its grant', () => {
    const story = new Story(1)
    story.tell((draft) => draft.took(ask('a')))
    story.tell((draft) => draft.took(ask('b')))
    expect(story.lane.places.size).toBe(2)
    expect(story.ask('c')).toMatchObject({ kind: 'waiting' })
    story.tell((draft) => draft.release(ask('a')))
    expect(story.calls).toEqual([])
  })
})

describe('Turns', () => {
  test('go from project to project; within one by priority, then by the wait', () => {
    const story = new Story(1)
    story.ask('first')
    for (const id of ['a1', 'a2', 'a3']) {
      story.ask(id, 1)
      story.now += 1
    }
    story.ask('b1', 2)
    story.now += 1
    story.ask('a4', 1, { priority: 5 })
    expect(story.order).toEqual(['a4', 'b1', 'a1', 'a2', 'a3'])
    const late = ask('b2', 2)
    const waiter = { ...late, since: story.now + 1, offeredAt: null, passedOver: false, calledAt: null }
    expect(ahead(story.lane, waiter)).toEqual({ all: 3, own: 1 })
  })

  test('put a project that begins to wait behind those that wait, so that no stream of new ones starves them', () => {
    const story = new Story(1)
    story.ask('first')
    story.ask('old', 1)
    for (let project = 2; project < 6; project++) {
      story.ask(`new-${project}`, project)
      expect(story.order[0]).toBe('old')
    }
  })

  test('are told as numbers that fall to none, and rise only for a new project or a higher priority', () => {
    const story = new Story(1)
    story.ask('first')
    const ids = ['a1', 'b1', 'a2', 'b2', 'a3', 'b3']
    const projectOf = (id: string) => (id.startsWith('a') ? 1 : 2)
    for (const id of ids) story.ask(id, projectOf(id))
    const seen: number[] = []
    for (const holder of ['first', ...ids.slice(0, -1)]) {
      const answer = story.ask('b3', 2)
      if (answer.kind === 'waiting') seen.push(answer.ahead)
      story.tell((draft) => draft.release(ask(holder)))
      const offered = story.calls[0]?.replace('offer ', '') ?? ''
      expect(story.ask(offered, projectOf(offered))).toEqual(GRANTED)
    }
    expect(seen).toEqual([5, 4, 3, 2, 1, 0])
  })

  test('are kept by a project whose job is slow to take its place up', () => {
    const story = new Story(2)
    for (const id of ['x', 'y']) story.ask(id)
    const projectOf = (id: string) => (id.startsWith('b') ? 2 : 1)
    for (const id of ['a1', 'b1', 'a2', 'b2', 'a3', 'b3']) story.ask(id, projectOf(id))
    const freed = (id: string) => {
      story.tell((draft) => draft.release(ask(id)))
      return story.calls
    }
    expect(freed('x')).toEqual(['offer a1'])
    story.ask('a1')
    expect(freed('y')).toEqual(['offer b1'])
    expect(freed('a1')).toEqual(['offer a2'])
    expect(story.ask('a2')).toEqual(GRANTED)
    expect(story.ask('b1', 2)).toEqual(GRANTED)
    expect(freed('a2')).toEqual(['offer b2'])
  })

  test('are not made up for by a project that was passed over meanwhile', () => {
    const story = new Story(1)
    story.ask('x')
    const projectOf = (id: string) => (id.startsWith('b') ? 2 : 1)
    for (const id of ['b1', 'a1', 'a2', 'a3', 'a4']) story.ask(id, projectOf(id))
    story.tell((draft) => draft.release(ask('x')))
    story.tell((draft) => draft.offerAnswered(callOf('b1'), 'error'))
    for (const id of ['a1', 'a2']) {
      expect(story.ask(id)).toEqual(GRANTED)
      story.tell((draft) => draft.release(ask(id)))
    }
    story.ask('a3')
    story.ask('b2', 2)
    expect(story.ask('b1', 2)).toMatchObject({ kind: 'waiting' })
    story.tell((draft) => draft.release(ask('a3')))
    expect(story.calls).toEqual(['offer b1'])
    story.ask('b1', 2)
    story.tell((draft) => draft.release(ask('b1')))
    expect(story.calls).toEqual(['offer a4'])
  })

  test('two projects that both wait are granted alike, whatever else comes and goes', () => {
    const step = fc.record({ project: fc.integer({ min: 1, max: 4 }), returns: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, limit) => {
        const story = new Story(limit)
        const held: string[] = []
        /** For each pair of waiting projects: grants since both have been waiting. */
        const since = new Map<string, [number, number]>()
        const pairs = () => {
          const waiting = [
            ...new Set([...story.lane.waiters.values()].map(({ projectId }) => projectId)),
          ].sort()
          return waiting.flatMap((a) => waiting.filter((b) => b > a).map((b) => `${a}/${b}`))
        }
        const granted = (projectId: number) => {
          for (const [pair, counts] of since) {
            const side = pair.split('/').indexOf(String(projectId))
            if (side >= 0) counts[side === 0 ? 0 : 1]++
            expect(Math.abs(counts[0] - counts[1])).toBeLessThanOrEqual(1)
          }
        }
        const settle = () => {
          const live = pairs()
          for (const pair of since.keys()) if (!live.includes(pair)) since.delete(pair)
          for (const pair of live) if (!since.has(pair)) since.set(pair, [0, 0])
        }
        const come = (id: string) => {
          const waiter = [...story.lane.waiters.values()].find(({ jobId }) => jobId === id)
          const projectId = waiter?.projectId ?? Number(id.split('-')[0])
          const had = waiter !== undefined
          const answer = story.ask(id, projectId)
          if (answer.kind !== 'granted') return
          held.push(id)
          if (had) granted(projectId)
        }
        steps.forEach(({ project, returns }, i) => {
          if (returns && held.length > 0) {
            const id = held.shift() ?? ''
            story.tell((draft) => draft.release(ask(id)))
            for (const call of story.calls) come(call.replace('offer ', ''))
          } else {
            come(`${project}-${i}`)
          }
          settle()
          story.now += 1
          expect(story.lane.places.size).toBeLessThanOrEqual(limit)
        })
      }),
      { numRuns: 400 },
    )
  })
})

function crowded(most: number): Story {
  const story = new Story(1)
  story.ask('a')
  const waiters = Array.from({ length: most }, (_, i): [string, Waiter] => {
    const waiter = { ...ask(`w${i}`, i), since: T0, offeredAt: null, passedOver: false, calledAt: null }
    return [keyOf(waiter), waiter]
  })
  const turns = waiters.map(([, { projectId }]): [number, number] => [projectId, projectId + 1])
  story.lane = { ...story.lane, waiters: new Map(waiters), turns: new Map(turns) }
  return story
}

test('any number of jobs may wait, and be over at once', () => {
  const story = crowded(130_000)
  story.tell((draft) => draft.release(ask('a')))
  expect(wakeAt(story.lane, story.now)).toBe(T0 + OFFER_MS)
  story.now += 24 * HOUR
  story.tell((draft) => draft.wake())
  expect(story.lane).toMatchObject({ waiters: new Map(), turns: new Map(), places: new Map() })
})

test('any number of holders is queried, some at a time', () => {
  const story = new Story(120)
  for (let i = 0; i < 121; i++) story.ask(`j${i}`)
  story.now += CHECK_MS
  const asked: string[] = []
  for (const many of [MAX_CHECKED, MAX_CHECKED, 20, 0]) {
    story.tell((draft) => draft.wake())
    expect(story.calls).toHaveLength(many)
    asked.push(...story.calls)
  }
  expect(new Set(asked).size).toBe(120)
})

test('a job that asks again while it waits changes nothing', () => {
  const story = crowded(100)
  const before = story.lane
  expect(story.ask('w7', 7)).toMatchObject({ kind: 'waiting', ahead: 7 })
  expect(story.lane.waiters).toBe(before.waiters)
  expect(story.lane.turns).toBe(before.turns)
})
