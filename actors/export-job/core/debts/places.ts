/**
 * Places at endpoints. A place is a debt from the commit before it is requested: for whatever reason it is no longer
 * needed, a place that may have been lent is returned.
 */
import { findAttempt, isWinner, nextRef, sameRef } from '../attempts.ts'
import type { Draft } from '../draft.ts'
import type { AttemptRef, Job, OwedPlace } from '../job.ts'
import { isIn } from '../phase.ts'
import { CANCEL_GIVE_UP_MS } from '../policy.ts'
import { type Debt, tried } from './debt.ts'

export function owedPlaces({ outbox }: Job): readonly OwedPlace[] {
  return outbox.places ?? []
}

/** True when the job waits for this place. */
export function asksFor(job: Job, next: AttemptRef): boolean {
  return isIn(job.phase, 'asking') && sameRef(nextRef(job), next) && holdsPlace(job, next)
}

/** True while the job has not returned the place: it requests it, or its attempt needs it. */
export function holdsPlace(job: Job, next: AttemptRef): boolean {
  return owedPlaces(job).some((place) => sameRef(place.next, next) && place.tell?.what !== 'release')
}

/** Owes a place for the next attempt from the following commit on. */
export function owePlace(draft: Draft, next: AttemptRef, endpoint: string): void {
  draft.change({ outbox: { places: [...others(draft.job, next), { next, endpoint, tell: null }] } })
}

/** The attempt is sent without a grant: the lane is notified, so that it counts the attempt. */
export function takePlace(draft: Draft, next: AttemptRef): void {
  const tell = { what: 'took', dueAt: draft.now, tries: 0 } as const
  tellOf(draft, ({ next: of }) => sameRef(of, next), tell)
}

/** Nothing was lent, because the endpoint has no limit. */
export function dropPlace(draft: Draft, next: AttemptRef): void {
  const places = others(draft.job, next)
  if (places.length < owedPlaces(draft.job).length) draft.keep({ outbox: { places } })
}

/** Called at the end of each decision: makes the return of places due that are no longer needed. */
export function freePlaces(draft: Draft): void {
  const { job, now } = draft
  const isOver = (place: OwedPlace) => place.tell?.what !== 'release' && neededUntil(job, place) <= now
  tellOf(draft, isOver, { what: 'release', dueAt: now, tries: 0 })
}

function tellOf(draft: Draft, isMeant: (place: OwedPlace) => boolean, tell: OwedPlace['tell']): void {
  const places = owedPlaces(draft.job)
  if (!places.some(isMeant)) return
  draft.keep({ outbox: { places: places.map((place) => (isMeant(place) ? { ...place, tell } : place)) } })
}

/**
 * While it is requested, and while its attempt may run at RunPod; limited in time in case RunPod never confirms a
 * cancel.
 */
function neededUntil(job: Job, { next }: OwedPlace): number {
  const attempt = findAttempt(job, next)
  if (!attempt) return isIn(job.phase, 'asking') && sameRef(nextRef(job), next) ? Number.POSITIVE_INFINITY : 0
  // The winner's handler returns by itself, and RunPod's webhook about it may be lost.
  if (isWinner(job, attempt)) return 0
  const isWrittenOff = attempt.endedAt !== null && attempt.runpodJobId === null
  if (attempt.remote === 'ended' || isWrittenOff) return 0
  const { cancel, ttlEndsAt } = attempt
  return Math.min(ttlEndsAt, cancel ? cancel.askedAt + CANCEL_GIVE_UP_MS : ttlEndsAt)
}

export const places: Debt<'places'> = {
  clocks: (job) =>
    owedPlaces(job).flatMap((place) => {
      const { tell } = place
      const instants = tell?.what === 'release' ? [] : [neededUntil(job, place)]
      if (tell) instants.push(tell.dueAt)
      return instants
        .filter((at) => Number.isFinite(at))
        .map((at) => ({
          name: 'place',
          at,
          what: 'give its place at the endpoint back',
          isHousekeeping: true,
        }))
    }),

  /**
   * All messages to a lane are sent together, so that an unavailable lane causes no additional wakes, however many are
   * owed.
   */
  due(draft) {
    const { job, now } = draft
    for (const untold of Map.groupBy(owedPlaces(job).filter(isUntold), ({ endpoint }) => endpoint).values()) {
      const [first] = untold
      if (!first || !untold.some(({ tell }) => tell.dueAt <= now)) continue
      const tries = Math.max(...untold.map(({ tell }) => tell.tries))
      const { round, attempt } = first.next
      const again = tried(draft, { dueAt: now, tries }, `place:${round}:${attempt}`)
      const leased = owedPlaces(draft.job).map((place) =>
        isUntold(place) && place.endpoint === first.endpoint
          ? { ...place, tell: { ...place.tell, ...again } }
          : place,
      )
      draft.lease({ outbox: { places: leased } })
      for (const place of untold) draft.ask({ type: 'tellLane', place, version: job.version })
    }
  },

  /** If the place has changed in the meantime, its new state remains to be sent. */
  paid(draft, { next, what }) {
    const place = owedPlaces(draft.job).find((each) => sameRef(each.next, next))
    if (place?.tell?.what !== what) return
    const { mirror } = draft.job.outbox
    // The following write of the row is stored in any case, and this change with it.
    if (what === 'release' && mirror && mirror.dueAt <= draft.now)
      draft.lease({ outbox: { places: others(draft.job, next) } })
    else if (what === 'release') dropPlace(draft, next)
    else tellOf(draft, (each) => each === place, null)
  },

  failed(draft, { next }) {
    if (owedPlaces(draft.job).some((place) => sameRef(place.next, next))) draft.keep({})
  },
}

function isUntold(place: OwedPlace): place is OwedPlace & { tell: NonNullable<OwedPlace['tell']> } {
  return place.tell !== null
}

function others(job: Job, next: AttemptRef): OwedPlace[] {
  return owedPlaces(job).filter((place) => !sameRef(place.next, next))
}
