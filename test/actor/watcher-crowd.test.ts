import { describe, expect, it, vi } from 'vitest'
import { JobStore } from '../../actors/export-job/store.ts'
import { MAX_SOCKETS } from '../../actors/export-job/watchers.ts'
import type { EventJson } from '../../wire/events.ts'
import { Chance } from '../support/chance.ts'
import { eventually } from '../support/eventually.ts'
import {
  ANYONE,
  aRunningJob,
  completed,
  FakeRunpod,
  progress,
  storeOutput,
} from '../support/workerd/actors.ts'
import { pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'
import { TestWatcher } from '../support/workerd/watcher.ts'

useFarFutureClock()

const WATCHERS = 200
const EVENTS = 100
const CROWD = MAX_SOCKETS
const LONG = { timeout: 60_000 }

/** With a fixed order of fields, for comparison. */
function textOf(events: readonly EventJson[]): string {
  return events
    .map(({ seq, at, type, round, attempt, data }) => JSON.stringify([seq, at, type, round, attempt, data]))
    .join('\n')
}

/** The distinct logs that the watchers received. */
function distinct(watchers: readonly TestWatcher[]): string[] {
  return [...new Set(watchers.map(({ events }) => textOf(events)))]
}

describe('many watchers of one job', () => {
  it(
    '200 that hang up and come back at random during 100 events: each ends with exactly the log',
    LONG,
    async () => {
      new FakeRunpod().install()
      const chance = new Chance(7)
      const job = await aRunningJob()
      const watchers = Array.from({ length: WATCHERS }, () => new TestWatcher(job))
      await Promise.all(watchers.map((each) => each.dial()))
      for (let event = 0; event < EVENTS; event++) {
        pass(SECOND)
        // Each new stage is one line of the log.
        await job.report(progress(10 + event / 2, undefined, `stage ${event}`))
        // A deploy, or an idle minute: the actor restarts, and its sockets stay.
        if (chance.happens(0.06)) await job.evict()
        const away = watchers.filter(({ open }) => !open)
        for (const each of watchers) if (each.open && chance.happens(0.06)) each.hangUp()
        await Promise.all(away.filter(() => chance.happens(0.3)).map((each) => each.dial()))
      }
      await Promise.all(watchers.filter(({ open }) => !open).map((each) => each.dial()))
      await storeOutput(job)
      await job.report(completed())
      await job.ring()
      await eventually(() => watchers.every(({ closed }) => closed === 1000))
      const log = await job.events()
      expect(log.length).toBeGreaterThan(EVENTS)
      expect(log.at(-1)?.type).toBe('complete')
      expect(distinct(watchers)).toEqual([textOf(log)])
      expect(watchers.flatMap(({ snapshots }) => snapshots).filter(({ reset }) => reset)).toEqual([])
      expect(watchers.reduce((sum, { dials }) => sum + dials, 0)).toBeGreaterThan(WATCHERS * 4)
    },
  )

  it('1,000 are told each change and the end, and one more is turned away', LONG, async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const watchers = Array.from({ length: CROWD }, () => new TestWatcher(job))
    await Promise.all(watchers.map((each) => each.dial()))
    const oneMore = await job.stub.fetch('https://x/ws', { headers: { Upgrade: 'websocket' } })
    expect({ status: oneMore.status, socket: oneMore.webSocket }).toEqual({ status: 503, socket: null })
    await job.report(progress(50, undefined, 'encoding'))
    await job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
    await job.ring()
    await eventually(() => watchers.every(({ closed }) => closed === 1000))
    const log = await job.events()
    expect(distinct(watchers)).toEqual([textOf(log)])
  })
})

describe('an actor with an open socket', () => {
  it('sleeps, is not woken by pings, and goes on with the same socket', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const watcher = new TestWatcher(job)
    await watcher.dial()
    await job.evict()
    // Each new instance reads its job first.
    const born = vi.spyOn(JobStore.prototype, 'load')
    for (let nth = 1; nth <= 5; nth++) {
      watcher.send('ping')
      await eventually(() => watcher.pongs === nth)
    }
    expect(born).not.toHaveBeenCalled()
    await job.report(progress(50, undefined, 'encoding'))
    await eventually(() => watcher.events.at(-1)?.type === 'stage')
    expect(born).toHaveBeenCalledOnce()
    expect(watcher.dials).toBe(1)
  })
})
