/** A simulated RunPod: a queue, workers that may vanish, a status that may be missing, a webhook. */
import type { CancelAnswer, Observation } from '../../actors/export-job/core/events.ts'
import type { Attempt, AttemptRef } from '../../actors/export-job/core/job.ts'
import { ttlMs } from '../../actors/export-job/core/policy.ts'
import { WorkerRun } from './worker.ts'
import type { World } from './world.ts'

export interface RemoteJob {
  readonly id: string
  readonly ref: AttemptRef
  /** The endpoint that accepted it; unknown to others. */
  readonly url: string
  readonly outputKey: string
  /** When the signed upload URL expires, by the service's clock. */
  readonly putUntil: number
  readonly submittedAt: number
  state: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled' | 'forgotten'
  error: string | null
  run: WorkerRun | null
  startedAt: number | null
  endedAt: number | null
  retries: number
  cancels: number
  /** The handler reported a failure, or was stopped: it returns by itself. */
  returning: boolean
  readonly obeys: 'at once' | 'not at all' | 'only in name'
  /** Until then `/status` answers 404. */
  readonly unseenUntil: number
  /** `/run` was answered with a refusal. */
  disowned: boolean
  /** One of two jobs of one `/run`: the service can store only one of their ids. */
  readonly hasTwin: boolean
}

const NOTICED_AFTER_MS = 40_000

export class Runpod {
  readonly jobs: RemoteJob[] = []
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** `POST /run`: the job exists from here on, even if the answer is lost. */
  run(attempt: Attempt, url: string): RemoteJob {
    const { chance, plan, isFaulty } = this.#world
    const hasTwin = isFaulty && chance.percent(plan.rates.twin)
    if (hasTwin) this.#take(attempt, url, hasTwin)
    return this.#take(attempt, url, hasTwin)
  }

  #take(attempt: Attempt, url: string, hasTwin: boolean): RemoteJob {
    const { clock, chance, plan, isFaulty } = this.#world
    const odds = (rate: number) => isFaulty && chance.percent(rate)
    const job: RemoteJob = {
      id: `rp-${attempt.round}-${attempt.attempt}-${this.jobs.length}`,
      ref: { round: attempt.round, attempt: attempt.attempt },
      url,
      outputKey: attempt.outputKey,
      putUntil: attempt.ttlEndsAt,
      submittedAt: clock.now,
      state: 'queued',
      error: null,
      run: null,
      startedAt: null,
      endedAt: null,
      retries: 0,
      cancels: 0,
      returning: false,
      disowned: false,
      obeys: odds(plan.rates.ignoreCancel) ? chance.pick('not at all', 'only in name') : 'at once',
      unseenUntil: odds(plan.rates.unseen) ? clock.now + chance.between(1_000, 14_000) : 0,
      hasTwin,
    }
    this.jobs.push(job)
    this.#world.note(`RunPod: took ${job.id}`)
    const queued = odds(plan.rates.longQueue)
      ? chance.between(60_000, 5_400_000)
      : chance.between(500, 30_000)
    clock.after(queued, () => this.#start(job))
    clock.after(ttlMs(plan.policy), () => this.#expire(job))
    if (odds(plan.rates.forget)) clock.after(chance.between(1_000, 900_000), () => this.#forget(job))
    return job
  }

  status(id: string, url: string): Observation {
    const job = this.#find(id, url)
    const usage =
      job?.startedAt != null && job.endedAt !== null
        ? {
            delayMs: job.startedAt - job.submittedAt,
            executionMs: job.endedAt - job.startedAt,
            workerId: null,
          }
        : null
    if (!job || this.#isHidden(job)) return { state: 'gone', error: null, usage: null }
    return { state: job.state === 'forgotten' ? 'gone' : job.state, error: job.error, usage }
  }

  cancel(id: string, url: string): CancelAnswer {
    const job = this.#find(id, url)
    if (!job || this.#isHidden(job)) return { kind: 'missing' }
    job.cancels++
    if (isFinal(job)) return { kind: 'ended', usage: null }
    this.#world.note(`RunPod: told to cancel ${id}, obeys ${job.obeys}`)
    if (job.obeys === 'not at all') return { kind: 'unconfirmed' }
    if (job.obeys === 'at once') job.run?.stop()
    this.#end(job, 'cancelled', null)
    return { kind: 'ended', usage: null }
  }

  /** The worker's handler returned. */
  returned(job: RemoteJob, error: string | null): void {
    if (job.state !== 'running') return
    this.#end(job, error === null ? 'completed' : 'failed', error)
  }

  /** The worker vanished: RunPod detects it, restarts the job once, and then fails it. */
  workerLost(job: RemoteJob): void {
    const { clock } = this.#world
    clock.after(NOTICED_AFTER_MS, () => {
      if (job.state !== 'running') return
      if (job.retries > 0) return this.#end(job, 'failed', 'job timed out after 1 retries')
      job.retries++
      job.state = 'queued'
      clock.after(5_000, () => this.#start(job))
    })
  }

  #start(job: RemoteJob): void {
    if (job.state !== 'queued') return
    const { clock, plan } = this.#world
    job.state = 'running'
    job.startedAt = clock.now
    const run = new WorkerRun(this.#world, job)
    job.run = run
    this.#world.note(`RunPod: ${job.id} runs`)
    run.begin()
    clock.after(plan.policy.executionTimeoutMs, () => {
      if (job.run !== run || job.state !== 'running') return
      run.stop()
      this.#end(job, 'failed', 'executionTimeout exceeded')
    })
  }

  /** At its ttl RunPod deletes a job in any state. */
  #expire(job: RemoteJob): void {
    job.run?.stop()
    this.#forget(job)
  }

  /** Deletes the job from the records; a worker that runs it continues. */
  #forget(job: RemoteJob): void {
    if (job.state !== 'forgotten') this.#world.note(`RunPod: forgot ${job.id}`)
    job.state = 'forgotten'
  }

  #end(job: RemoteJob, state: 'completed' | 'failed' | 'cancelled', error: string | null): void {
    const { clock, chance } = this.#world
    job.state = state
    job.error = error
    job.endedAt = clock.now
    this.#world.note(`RunPod: ${job.id} is ${state}${error ? ` (${error})` : ''}`)
    if (state !== 'cancelled' || chance.percent(50)) {
      this.#webhook(job, { state, error, usage: null }, 3)
    }
  }

  /** Up to three times, ten seconds apart, until it is answered. */
  #webhook(job: RemoteJob, observation: Observation, triesLeft: number): void {
    const { clock } = this.#world
    let answered = false
    this.#world.network.post(() => {
      const fact = { type: 'observed', ref: job.ref, source: 'webhook', runpodJobId: job.id } as const
      void this.#world.actor.deliver({ ...fact, observation, health: null }).then((reply) => {
        if (reply) answered = true
      })
    })
    if (triesLeft > 1) clock.after(10_000, () => answered || this.#webhook(job, observation, triesLeft - 1))
  }

  #isHidden(job: RemoteJob): boolean {
    return job.state === 'forgotten' || this.#world.clock.now < job.unseenUntil
  }

  #find(id: string, url: string): RemoteJob | undefined {
    return this.jobs.find((job) => job.id === id && job.url === url)
  }
}

export function isFinal(job: RemoteJob): boolean {
  return job.state !== 'queued' && job.state !== 'running'
}
