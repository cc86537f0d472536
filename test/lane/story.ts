/** A lane in memory and the calls of jobs to it, for tests of its rules. */
import { inTurn } from '../../actors/lane/order.ts'
import { type AskAnswer, type Call, Draft } from '../../actors/lane/rules.ts'
import { type Ask, EMPTY_LANE, type Lane, type Refusal } from '../../actors/lane/state.ts'

export const T0 = Date.UTC(2026, 0, 1)
export const HOUR = 3_600_000

export function ask(jobId: string, projectId = 1, more: Partial<Ask> = {}): Ask {
  return { jobId, round: 1, dispatch: 1, version: 2, projectId, priority: 0, until: T0 + 24 * HOUR, ...more }
}

export function callOf(jobId: string): Call {
  return { type: 'offer', ref: ask(jobId), version: 2 }
}

/** A lane that handles one call after the other. */
export class Story {
  lane: Lane = EMPTY_LANE
  now = T0
  limit: number | null
  calls: string[] = []

  constructor(limit: number | null) {
    this.limit = limit
  }

  tell<T>(what: (draft: Draft) => T): T {
    const draft = new Draft(this.lane, this.limit, this.now)
    const answer = what(draft)
    this.lane = draft.lane
    this.calls = draft.calls.map(({ type, ref }) => `${type} ${ref.jobId}`)
    return answer
  }

  ask(jobId: string, projectId = 1, more: Partial<Ask> = {}): AskAnswer {
    return this.tell((draft) => draft.ask(ask(jobId, projectId, more), null))
  }

  get order(): string[] {
    return inTurn(this.lane).map(({ jobId }) => jobId)
  }
}

export const GRANTED = { kind: 'granted', tellOutcome: false }
export const BUSY: Refusal = { cause: 'runpod', status: 503, detail: 'busy', retryAfterMs: null }
export const KEY: Refusal = { cause: 'deployment', status: 401, detail: 'bad key', retryAfterMs: null }
