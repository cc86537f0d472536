/**
 * One run of the GPU worker: it renders, reports, stores its file and reports completion, unless it fails, dies or
 * lies.
 */
import { posterKeyOf } from '../../actors/export-job/core/attempts.ts'
import type { Report } from '../../actors/export-job/core/events.ts'
import { failure } from '../../actors/export-job/core/verdicts.ts'
import type { ReportMessage } from '../../wire/worker-line.ts'
import { Line } from './line.ts'
import type { RemoteJob } from './runpod.ts'
import type { World } from './world.ts'

const STAGES = ['downloading', 'rendering', 'encoding', 'uploading'] as const

const SLOWEST_STORE_MS = 30_000

type Fate = 'succeeds' | 'fails' | 'hopeless' | 'lies' | 'dies' | 'hangs'
type Told = 'go on' | 'stop' | 'nothing'
type Said<T extends Report['type']> = Omit<Extract<Report, { type: T }>, 'ref' | 'runpodJobId'>
type AnySaid = Said<'progressed'> | Said<'completed'> | Said<'failed'>

export class WorkerRun {
  readonly #world: World
  readonly #job: RemoteJob
  readonly #fate: Fate
  /** All its reports are lost: only its file and RunPod's webhook or status remain. */
  readonly #mute: boolean
  /** An old worker without its own RunPod id. */
  readonly #anonymous: boolean
  readonly #stepMs: number
  /** Random, and different for each process and attempt. */
  readonly #instance: string
  /** Null for a worker that only posts. */
  #line: Line | null = null
  #n = 0
  stopped = false

  constructor(world: World, job: RemoteJob) {
    const { chance, plan, isFaulty } = world
    const { rates } = plan
    const odds = (rate: number) => isFaulty && chance.percent(rate)
    this.#world = world
    this.#job = job
    this.#mute = odds(rates.mute)
    this.#anonymous = odds(rates.anonymous)
    this.#instance = `${job.id}-${job.retries}`
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
    const { chance } = this.#world
    if (!this.#mute && chance.percent(50)) this.#dial()
    const endsAt = chance.between(1, STAGES.length)
    this.#render(0, endsAt)
  }

  /** Stopped by RunPod or by the service: the worker does nothing any more. */
  stop(): void {
    this.stopped = true
    this.#line?.ends(false)
  }

  #dial(): void {
    const runpodJobId = this.#anonymous ? null : this.#job.id
    const worker = { runpodJobId, instance: this.#instance, stop: () => this.#obey() }
    this.#line = new Line(this.#world, this.#job, worker)
  }

  #render(step: number, endsAt: number): void {
    if (this.stopped) return
    const { clock } = this.#world
    if (step === endsAt) return this.#finish()
    const stage = STAGES[step] ?? null
    const progress = { percent: step * 25, stage, message: null, etaMs: null }
    this.#say({ type: 'progressed', ...progress }, this.#number(), (told) => {
      if (told === 'stop') this.#obey()
    })
    clock.after(this.#stepMs, () => this.#render(step + 1, endsAt))
  }

  /** Stopped by the service: the handler returns, without storing a file. */
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
        // Possibly after it stored its file, before its report.
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
    this.#line?.ends(true)
    this.stop()
    this.#world.runpod.workerLost(this.#job)
  }

  /** The signed upload: create-once, refused when the URL has expired. */
  #store(triesLeft: number, then: (stored: boolean) => void): void {
    const { network, bucket, clock } = this.#world
    const again = () =>
      clock.after(5_000, () => (triesLeft > 1 ? this.#store(triesLeft - 1, then) : then(false)))
    if (this.stopped) return
    // The URL must be valid when the upload begins, and storing it takes a limited time.
    const isValid = this.#world.wall < this.#job.putUntil
    const land = () => {
      const inTime = isValid && this.#world.wall < this.#job.putUntil + SLOWEST_STORE_MS
      if (!inTime) return false
      bucket.put(posterKeyOf(this.#job.outputKey), 100)
      return bucket.put(this.#job.outputKey, 1_000)
    }
    network.call('r2', 30_000, land, (answer) => {
      if (this.stopped) return
      if (answer.kind === 'ok' && answer.value !== false) then(true)
      else again()
    })
  }

  #complete(tries: number): void {
    if (this.stopped) return
    const { chance, plan, isFaulty, runpod } = this.#world
    const resultLost = isFaulty && chance.percent(plan.rates.die)
    this.#sayUntilHeard({ type: 'completed', outputKey: this.#job.outputKey }, tries, () => {
      // RunPod never receives the result, considers the worker lost and runs the job once more.
      if (resultLost) return this.#die()
      this.#line?.ends(false)
      runpod.returned(this.#job, null)
    })
  }

  #fail(code: string, retryable: boolean): void {
    if (this.stopped) return
    this.#job.returning = true
    const said = { type: 'failed', failure: failure(code, 'The worker failed.', retryable) } as const
    this.#sayUntilHeard(said, 3, () => {
      this.#line?.ends(false)
      this.#world.runpod.returned(this.#job, 'The worker failed.')
    })
  }

  #sayUntilHeard(said: Said<'completed'> | Said<'failed'>, tries: number, then: () => void): void {
    const { clock } = this.#world
    const number = this.#number()
    let heard = false
    const again = (triesLeft: number) => {
      if (this.stopped) return
      if (heard || triesLeft === 0) return then()
      // A report that was not acknowledged on the line is posted under the same number.
      this.#say(said, { ...number, isPosted: triesLeft < tries }, (told) => {
        if (told !== 'nothing') heard = true
      })
      clock.after(2_000, () => again(triesLeft - 1))
    }
    again(tries)
  }

  /** The number of the next report. Without a line, reports are not numbered. */
  #number(): Numbered {
    return this.#line ? { n: ++this.#n, instance: this.#instance } : {}
  }

  #say(
    said: AnySaid,
    { isPosted = false, ...number }: Numbered & { isPosted?: boolean },
    told: (answer: Told) => void,
  ): void {
    if (this.#mute) return
    const { network, chance, plan, clock } = this.#world
    const runpodJobId = this.#anonymous ? null : this.#job.id
    if (!isPosted && 'n' in number && this.#line?.say(messageOf(said, number.n), () => told('go on'))) return
    const report: Report = { ...said, ref: this.#job.ref, runpodJobId, ...number }
    network.post(async () => {
      // The token expires with the attempt's ttl, by the service's clock.
      if (this.#world.wall >= this.#job.putUntil) return
      const reply = await this.#world.actor.deliver(report)
      const lost = this.#world.isFaulty && chance.percent(plan.rates.lose / 2)
      if (!reply || lost) return
      const answer = reply.ok && reply.cancel ? 'stop' : 'go on'
      clock.after(chance.between(5, 100), () => this.stopped || told(answer))
    })
  }
}

type Numbered = { readonly n: number; readonly instance: string } | { readonly n?: never }

/** In the format of docs/gpu-worker.md. */
function messageOf(said: AnySaid, n: number): ReportMessage {
  switch (said.type) {
    case 'progressed':
      return { type: 'progress', n, progress: said.percent, stage: said.stage }
    case 'completed':
      return { type: 'complete', n, output_video_key: said.outputKey }
    case 'failed': {
      const { code, message, retryable } = said.failure
      return { type: 'error', n, error: message, code, should_retry: retryable }
    }
  }
}
