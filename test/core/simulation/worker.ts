/** One run of the GPU worker: it renders, reports, stores its file once and says so, unless it fails, dies or lies. */
import type { Report } from '../../../actors/export-job/core/events.ts'
import { failure } from '../../../actors/export-job/core/verdicts.ts'
import type { RemoteJob } from './runpod.ts'
import type { World } from './world.ts'

const STAGES = ['downloading', 'rendering', 'encoding', 'uploading'] as const

const SLOWEST_STORE_MS = 30_000

type Fate = 'succeeds' | 'fails' | 'hopeless' | 'lies' | 'dies' | 'hangs'
type Told = 'go on' | 'stop' | 'nothing'
type Said<T extends Report['type']> = Omit<Extract<Report, { type: T }>, 'ref' | 'runpodJobId'>

export class WorkerRun {
  readonly #world: World
  readonly #job: RemoteJob
  readonly #fate: Fate
  /** All its reports are lost: only its file and RunPod's word remain. */
  readonly #mute: boolean
  /** An old worker that does not know its own RunPod id. */
  readonly #anonymous: boolean
  readonly #stepMs: number
  stopped = false

  constructor(world: World, job: RemoteJob) {
    const { chance, plan, isFaulty } = world
    const { rates } = plan
    const odds = (rate: number) => isFaulty && chance.percent(rate)
    this.#world = world
    this.#job = job
    this.#mute = odds(rates.mute)
    this.#anonymous = odds(rates.anonymous)
    this.#stepMs = chance.percent(20) ? chance.between(20_000, 90_000) : chance.between(1_000, 20_000)
    if (odds(rates.die)) this.#fate = 'dies'
    else if (odds(rates.hang)) this.#fate = 'hangs'
    else if (odds(rates.hopeless)) this.#fate = 'hopeless'
    else if (odds(rates.fail)) this.#fate = 'fails'
    else if (odds(rates.lie)) this.#fate = 'lies'
    else this.#fate = 'succeeds'
  }

  begin(): void {
    this.#world.note(`worker of ${this.#job.id}: ${this.#fate}${this.#mute ? ', mute' : ''}`)
    const endsAt = this.#world.chance.between(1, STAGES.length)
    this.#render(0, endsAt)
  }

  /** RunPod stops it, or it was told to stop: nothing of it happens any more. */
  stop(): void {
    this.stopped = true
  }

  #render(step: number, endsAt: number): void {
    if (this.stopped) return
    const { clock } = this.#world
    if (step === endsAt) return this.#finish()
    const stage = STAGES[step] ?? null
    const progress = { percent: step * 25, stage, message: null, etaMs: null }
    this.#say({ type: 'progressed', ...progress }, (told) => {
      if (told === 'stop') this.#obey()
    })
    clock.after(this.#stepMs, () => this.#render(step + 1, endsAt))
  }

  /** Told to stop: the handler returns, and nothing of it is stored. */
  #obey(): void {
    if (this.stopped) return
    this.#world.note(`worker of ${this.#job.id}: stops as told`)
    this.stop()
    this.#job.returning = true
    this.#world.clock.after(100, () => this.#world.runpod.returned(this.#job, 'stopped by the service'))
  }

  #finish(): void {
    switch (this.#fate) {
      case 'dies':
        this.#world.note(`worker of ${this.#job.id}: dies`)
        // Perhaps after it stored its file, before it could say so.
        if (this.#world.chance.percent(30)) this.#store(3, () => this.#die())
        else this.#die()
        return
      case 'hangs':
        return
      case 'fails':
        return this.#fail('worker_error', true)
      case 'hopeless':
        return this.#fail('invalid_media', false)
      case 'lies':
        return this.#complete(3)
      case 'succeeds':
        return this.#store(3, (stored) => (stored ? this.#complete(3) : this.#fail('upload_failed', true)))
    }
  }

  #die(): void {
    this.stop()
    this.#world.runpod.workerLost(this.#job)
  }

  /** The signed upload: create-once, refused when the URL has expired. */
  #store(triesLeft: number, then: (stored: boolean) => void): void {
    const { network, bucket, clock } = this.#world
    const again = () =>
      clock.after(5_000, () => (triesLeft > 1 ? this.#store(triesLeft - 1, then) : then(false)))
    if (this.stopped) return
    // The URL must be valid when the upload begins, and its last byte come no later; storing it takes a while.
    const isValid = this.#world.wall < this.#job.putUntil
    const land = () => {
      const inTime = isValid && this.#world.wall < this.#job.putUntil + SLOWEST_STORE_MS
      return inTime && bucket.put(this.#job.outputKey, 1_000)
    }
    network.call('r2', 30_000, land, (answer) => {
      if (this.stopped) return
      if (answer.kind === 'ok' && answer.value !== false) then(true)
      else again()
    })
  }

  #complete(triesLeft: number): void {
    if (this.stopped) return
    const { chance, plan, isFaulty, runpod } = this.#world
    const resultLost = isFaulty && chance.percent(plan.rates.die)
    this.#sayUntilHeard({ type: 'completed', outputKey: this.#job.outputKey }, triesLeft, () => {
      // RunPod never hears of the result, takes the worker for lost and has the job run once more.
      if (resultLost) this.#die()
      else runpod.returned(this.#job, null)
    })
  }

  #fail(code: string, retryable: boolean): void {
    if (this.stopped) return
    this.#job.returning = true
    const said = { type: 'failed', failure: failure(code, 'The worker failed.', retryable) } as const
    this.#sayUntilHeard(said, 3, () => this.#world.runpod.returned(this.#job, 'The worker failed.'))
  }

  #sayUntilHeard(said: Said<'completed'> | Said<'failed'>, triesLeft: number, then: () => void): void {
    const { clock } = this.#world
    let heard = false
    this.#say(said, (told) => {
      if (told !== 'nothing') heard = true
    })
    clock.after(2_000, () => {
      if (this.stopped) return
      if (heard || triesLeft <= 1) return then()
      this.#sayUntilHeard(said, triesLeft - 1, then)
    })
  }

  #say(said: Said<'progressed'> | Said<'completed'> | Said<'failed'>, told: (answer: Told) => void): void {
    if (this.#mute) return
    const { network, chance, plan, clock } = this.#world
    const runpodJobId = this.#anonymous ? null : this.#job.id
    const report: Report = { ...said, ref: this.#job.ref, runpodJobId }
    network.post(() => {
      // The token dies with the attempt's ttl, by the service's clock.
      if (this.#world.wall >= this.#job.putUntil) return
      const reply = this.#world.actor.deliver(report)
      const lost = this.#world.isFaulty && chance.percent(plan.rates.lose / 2)
      if (!reply || lost) return
      const answer = reply.ok && reply.cancel ? 'stop' : 'go on'
      clock.after(chance.between(5, 100), () => this.stopped || told(answer))
    })
  }
}
