import { describe, expect, test } from 'vitest'
import { refOf } from '../../actors/export-job/core/attempts.ts'
import { holdsPlace, owedPlaces } from '../../actors/export-job/core/debts/places.ts'
import { mirrorRowOf } from '../../actors/export-job/core/shown/mirror-row.ts'
import { viewOf } from '../../actors/export-job/core/shown/view.ts'
import {
  askDue,
  CANCEL,
  cancelAnswered,
  completed,
  DAY,
  DELETE,
  dispatchAmbiguous,
  dispatched,
  dispatchRefused,
  dispatchWeighed,
  ENDPOINT,
  failed,
  HOUR,
  laneNotTold,
  laneSilent,
  laneTold,
  MINUTE,
  outputAbsent,
  outputSeen,
  placeGranted,
  placeNeeded,
  placeStale,
  placeWaiting,
  progressed,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import type { Story } from '../support/node/given.ts'
import { acknowledged, anAcceptedJob } from '../support/node/stages.ts'

/** It has requested a place, which is owed from then on. */
const aNeedyJob = () => anAcceptedJob().wakes().when(placeNeeded())
const aWaitingJob = () => aNeedyJob().wakes().when(placeWaiting())
/** Its attempt was sent with a place. */
const aSentJob = () =>
  aNeedyJob()
    .wakes()
    .when(placeGranted(ref(), ENDPOINT, true))
    .wakes()
const aQueuedJob = () => acknowledged(aSentJob().when(dispatched(), T0 + SECOND))

/** The return of the place is due now, and made by the next wake. */
function isReturned(story: Story): boolean {
  const [place] = owedPlaces(story.job)
  if (place?.tell?.what !== 'release') return false
  const told = story.wakes()
  expect(told.effect('tellLane').place.next).toEqual(ref())
  return owedPlaces(told.when(laneTold()).job).length === 0
}

describe('A place', () => {
  test('is owed from the commit that asks for it, before the lane hears of it', () => {
    const needy = aNeedyJob()
    needy.then({ step: 'asking', durable: true, log: [], wakeAt: T0 })
    expect(owedPlaces(needy.job)).toEqual([{ next: ref(), endpoint: 'default', tell: null }])
    expect(needy.wakes().effect('ask').isOwed).toBe(true)
    expect(anAcceptedJob().wakes().effect('ask').isOwed).toBe(false)
  })

  test('is held while it is asked for, and until its attempt has ended at RunPod', () => {
    for (const stage of [aNeedyJob, aWaitingJob, aSentJob, aQueuedJob])
      expect(holdsPlace(stage().job, ref())).toBe(true)
    const running = aQueuedJob().when(progressed(5), T0 + 10 * SECOND)
    expect(holdsPlace(running.job, ref())).toBe(true)
    expect(isReturned(acknowledged(running.when(failed())))).toBe(true)
    const complete = running.when(completed()).wakes().when(outputSeen())
    expect(isReturned(complete)).toBe(true)
  })

  test.each<[string, () => Story]>([
    ['it is cancelled while it waits', () => aWaitingJob().when(CANCEL)],
    ['its deadline is over', () => aWaitingJob().wakes(T0 + DAY)],
    ['RunPod refuses', () => aSentJob().when(dispatchRefused())],
    [
      'its attempt is written off without an id',
      () =>
        aSentJob()
          .when(dispatchAmbiguous())
          .wakes(T0 + 2 * MINUTE)
          .when(dispatchWeighed(true)),
    ],
    ['RunPod confirms a cancel', () => aQueuedJob().when(CANCEL).wakes().when(cancelAnswered('ended'))],
  ])('is given back when %s', (_, story) => {
    expect(owedPlaces(story().job)).toMatchObject([{ tell: { what: 'release', tries: 0 } }])
    expect(isReturned(acknowledged(story()))).toBe(true)
  })

  test('is kept for ten minutes while RunPod does not confirm a cancel, and then given back', () => {
    let story = aQueuedJob().when(CANCEL)
    const askedAt = story.now
    while (holdsPlace(story.job, ref())) {
      story = story.wakes()
      if (holdsPlace(story.job, ref())) story = story.when(cancelAnswered('unconfirmed'))
    }
    expect(story.now - askedAt).toBe(10 * MINUTE)
  })

  test('is given back again until the lane has heard it', () => {
    let story = acknowledged(aWaitingJob().when(CANCEL))
    for (let tries = 1; tries <= 5; tries++) {
      story = story.wakes()
      expect(story.effect('tellLane').version).toBe(story.job.version)
      story = story.when(laneNotTold()).then({ durable: true })
    }
    expect(owedPlaces(story.when(laneTold()).job)).toEqual([])
  })

  test('keeps a deleted job until it was given back', () => {
    const erased = aWaitingJob().when(CANCEL).when(DELETE).wakes()
    const kept = erased.when({ type: 'debtPaid', debt: 'erase' })
    kept.then({ status: 'deleting' })
    kept.when(laneTold()).wakes().when({ type: 'debtPaid', debt: 'erase' }).then({ status: 'gone' })
  })

  test('is another one for each attempt', () => {
    const again = acknowledged(aQueuedJob().when(progressed(5)).when(failed()))
      .wakes()
      .when(outputAbsent(), T0 + MINUTE)
    const asked = again.wakes().when(placeNeeded(ref(2)))
    expect(holdsPlace(asked.job, ref(2))).toBe(true)
    expect(holdsPlace(asked.job, ref(1))).toBe(false)
  })
})

describe('The row of a job that has ended', () => {
  test('is written when its place is given back, or the lane does not answer, and takes that along', () => {
    const ended = aQueuedJob().when(completed()).wakes().when(outputSeen()).wakes()
    ended.then({ effects: ['tellLane'] })
    const told = ended.when(laneTold()).then({ durable: false })
    expect(owedPlaces(told.job)).toEqual([])
    told.wakes().then({ effects: ['mirror'] })
    ended
      .when(laneNotTold())
      .wakes()
      .then({ effects: ['mirror'] })
  })
})

describe('A job that waits for a place', () => {
  test('says so once, and how many are ahead each time that it asks, in no new version', () => {
    const waits = aWaitingJob()
    waits.then({ durable: true, log: ['place_awaited'], effects: [] })
    const listed = acknowledged(waits).then({ wakeAt: T0 + 15 * MINUTE })
    const again = listed.wakes().when(placeWaiting(ref(), T0 + 40 * MINUTE))
    again.then({ durable: true, log: [], wakeAt: T0 + 40 * MINUTE })
    expect(again.job.version).toBe(waits.job.version)
    expect(viewOf(waits.job)).toMatchObject({
      status: 'pending',
      reason: 'Waiting for a place: 3 exports are ahead, 1 of them of this project.',
      queue: { ahead: 3, ahead_of_project: 1, paused: false, as_of: new Date(T0).toISOString() },
    })
    expect(viewOf(aQueuedJob().job)?.queue).toBeNull()
  })

  test('keeps how many are ahead in memory, but stores what it heard of a pause while that binds it', () => {
    const waits = acknowledged(aWaitingJob())
    const soon = T0 + 20 * SECOND
    waits.when(askDue(), soon).wakes().when(placeWaiting(), soon).then({ durable: false })
    waits
      .when(askDue(), soon)
      .wakes()
      .when(placeWaiting(ref(), soon, true), soon)
      .then({ durable: true })
  })

  test('is in the list since when it waits, until it may go; how many are ahead is not', () => {
    const waits = aWaitingJob().then({ outbox: { mirror: { dueAt: T0 + 15 * SECOND } } })
    expect(mirrorRowOf(waits.job)?.waiting_since).toBe(T0)
    const again = acknowledged(waits)
      .wakes()
      .when(placeWaiting())
      .then({ outbox: { mirror: null } })
    const sent = again
      .wakes()
      .when(placeGranted(ref(), ENDPOINT, true))
      .wakes()
    const taken = sent.when(dispatched()).then({ outbox: { mirror: { tries: 0 } } })
    expect(mirrorRowOf(taken.job)?.waiting_since).toBeNull()
    const refused = sent.when(dispatchRefused(), T0 + HOUR).then({ outbox: { mirror: { tries: 0 } } })
    expect(mirrorRowOf(refused.job)?.waiting_since).toBe(T0 + HOUR)
    expect(mirrorRowOf(aNeedyJob().job)?.waiting_since).toBeNull()
  })

  test('asks at once when a place is offered', () => {
    const offered = acknowledged(aWaitingJob()).when(askDue(), T0 + MINUTE)
    offered.then({ wakeAt: T0 + MINUTE, durable: false })
    offered.wakes().then({ effects: ['ask'] })
    const late = offered.when(placeWaiting(), T0 + MINUTE)
    late.then({ wakeAt: T0 + MINUTE })
    late.wakes().then({ effects: ['ask'] })
    aWaitingJob()
      .when(askDue(ref(2)))
      .then({ unchanged: true })
  })
})

describe('A lane that does not answer', () => {
  test('is asked three times within fifteen seconds, then the attempt is sent without it', () => {
    const first = aNeedyJob().wakes().when(laneSilent())
    first.then({ wakeAt: T0 + 5 * SECOND })
    const twice = first
      .wakes()
      .when(laneSilent())
      .then({ wakeAt: T0 + 15 * SECOND })
    const bypassed = twice.wakes().when(laneSilent())
    bypassed.then({ log: ['lane_bypassed'], durable: true })
    const sent = bypassed.wakes().then({ effects: ['dispatch', 'tellLane'] })
    expect(sent.effect('tellLane').place).toMatchObject({ tell: { what: 'took' } })
    const told = sent.when(laneTold('took'))
    expect(owedPlaces(told.job)).toMatchObject([{ tell: null }])
    expect(holdsPlace(told.job, ref())).toBe(true)
  })

  test('is told of a place that was taken without it no more once that is given back', () => {
    const sent = aNeedyJob()
      .wakes()
      .when(laneSilent())
      .wakes()
      .when(laneSilent())
      .wakes()
      .when(laneSilent())
      .wakes()
    const refused = sent.when(dispatchRefused())
    expect(owedPlaces(refused.when(laneTold('took')).job)).toMatchObject([{ tell: { what: 'release' } }])
  })

  test('is told of all that it has missed at once, so that the job does not wake ever more often', () => {
    let story = aNeedyJob()
    const until = story.now + 3 * HOUR
    let most = 0
    while (story.now < until) {
      story = story.wakes()
      for (const effect of story.last?.effects ?? []) {
        if (effect.type === 'ask' && !effect.isOwed) story = story.when(placeNeeded(effect.next))
        else if (effect.type === 'ask') story = story.when(laneSilent(effect.next))
        else if (effect.type === 'dispatch') story = story.when(dispatchRefused(refOf(effect.attempt)))
        else if (effect.type === 'tellLane') story = story.when(laneNotTold(effect.place.next))
        else if (effect.type === 'look') story = story.when(outputAbsent(effect.ref))
        else if (effect.type === 'mirror') story = acknowledged(story)
      }
      most = Math.max(most, owedPlaces(story.job).length)
      expect(story.job.breaker.tripped).toBe(false)
    }
    expect(most).toBeGreaterThan(20)
  })

  test('is waited for as long as it says that it has too much to do', () => {
    let story = aNeedyJob().wakes()
    for (let i = 0; i < 10; i++) {
      story = story.when(laneSilent(ref(), { overloaded: true }))
      story = story
        .then({ log: [] })
        .wakes()
        .then({ effects: ['ask'] })
    }
  })

  test('holds the job as long as it was heard to be paused within ten minutes', () => {
    let story = aNeedyJob()
      .wakes()
      .when(placeWaiting(ref(), T0 + SECOND, true))
    do story = story.wakes().when(laneSilent())
    while (!story.last?.log.length)
    story.then({ log: ['lane_bypassed'] })
    expect(story.now).toBeGreaterThanOrEqual(T0 + 10 * MINUTE)
  })
})

describe('An endpoint without a limit', () => {
  test('is asked, and owed nothing', () => {
    const sent = anAcceptedJob().dispatches()
    expect(owedPlaces(sent.job)).toEqual([])
  })

  test('is owed the word of a job that no longer waits, and nothing of one that goes', () => {
    const waits = anAcceptedJob().wakes().when(placeWaiting())
    waits.then({ log: ['place_awaited'] })
    expect(isReturned(acknowledged(waits.when(CANCEL)))).toBe(true)
    const sent = waits.when(askDue()).wakes().when(placeGranted()).wakes()
    sent.then({ effects: ['dispatch'] })
    expect(owedPlaces(sent.job)).toEqual([])
  })
})

describe('An ask that came late', () => {
  test('is said again in a new version', () => {
    const stale = aNeedyJob().wakes().when(placeStale())
    const again = stale.wakes()
    again.then({ effects: ['ask'] })
    expect(again.job.version).toBeGreaterThan(aNeedyJob().job.version)
  })
})

describe('An attempt of which RunPod never said whether it took it', () => {
  const lost = () => acknowledged(aSentJob().when(dispatchAmbiguous())).wakes(T0 + 2 * MINUTE)

  test('counts unless the lane says that nobody was served', () => {
    const asked = lost()
    expect(asked.effect('weigh')).toMatchObject({ endpoint: 'default', sentAt: T0 })
    asked.when(dispatchWeighed(true)).then({ log: ['attempt_failed'], attempt: { endedAt: asked.now } })
    expect(viewOf(asked.when(dispatchWeighed(true)).job)).toMatchObject({ attempt: 1 })
    const excused = asked.when(dispatchWeighed(false))
    excused.then({ attempt: { uncounted: true }, phase: { look: 'owed' } })
    expect(excused.attempt(1).cancel).not.toBeNull()
    expect(viewOf(excused.job)).toMatchObject({ attempt: 0 })
  })

  test('is weighed again when the answer is lost, and runs on when a worker reports meanwhile', () => {
    lost()
      .wakes()
      .then({ effects: ['weigh'] })
    const running = lost().when(progressed(5))
    running.when(dispatchWeighed(false)).then({ step: 'running', unchanged: true })
  })
})
