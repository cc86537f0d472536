/**
 * The service and runpod-local under attack: both are killed outright and started again, and what could be seen of
 * them is kept, since runpod-local forgets its jobs with its process.
 */
import type { Job } from '../../../client/types.ts'
import type { Stack } from '../../../scripts/stack.ts'
import { type Chance, pause } from './random.ts'

export interface Run {
  jobId: string
  round: number
  attempt: number
  startedAt: number
  /** Null while the worker runs. */
  endedAt: number | null
}

interface RunpodJob {
  id: string
  job_id: string
  round: number
  attempt: number
  worker_running: boolean
  runs: { started_at: string; ended_at: string | null }[]
}

type FaultBody = Record<string, unknown>

/** Each is on for a while; then another, or none. */
const FAULTS: readonly [FaultBody, ...FaultBody[]] = [
  {},
  { webhook: { drop: true } },
  { webhook: { delay_ms: 2_000, duplicate: true } },
  { drop_complete: true },
  { drop_complete: true, webhook: { drop: true } },
  { run: { lose_answer: true, times: 3 } },
  { run: { status: 429, retry_after_seconds: 1, times: 4 } },
  { run: { status: 500, times: 4 } },
  { run: { delay_ms: 1_500 } },
  { crash: { at_progress: 40, times: 1 } },
  { stall: { at_progress: 50, ms: 12_000, times: 1 } },
  { fail: { times: 1, should_retry: true } },
  { cancel: 'refuse' },
]

export class World {
  readonly stack: Stack
  readonly #chance: Chance
  readonly #runs = new Map<string, Run>()
  /** Intervals in which the service could tell no worker to stop. */
  readonly downtimes: { from: number; to: number }[] = []
  kills = 0

  constructor(stack: Stack, chance: Chance) {
    this.stack = stack
    this.#chance = chance
  }

  get runs(): Run[] {
    return [...this.#runs.values()]
  }

  /** Kills one of the two at once and starts it again a moment later. */
  async strike(): Promise<void> {
    this.kills++
    const from = Date.now()
    if (this.#chance.happens(0.65)) {
      this.stack.killService()
      await pause(this.#chance.between(0, 1_500))
      await this.stack.startService()
      this.downtimes.push({ from, to: Date.now() })
    } else {
      await this.observe()
      const killedAt = Date.now()
      this.stack.killRunpod()
      for (const run of this.#runs.values()) run.endedAt ??= killedAt
      await pause(this.#chance.between(0, 1_500))
      await this.stack.startRunpod()
    }
  }

  async switchFaults(faults: FaultBody = this.#chance.pick(FAULTS)): Promise<void> {
    await this.#runpod('/faults', { method: 'PUT', body: JSON.stringify(faults) })
  }

  /** Remembers what runpod-local ran so far. */
  async observe(): Promise<RunpodJob[]> {
    const answer = await this.#runpod('/jobs')
    if (!answer) return []
    const { jobs } = (await answer.json()) as { jobs: RunpodJob[] }
    for (const job of jobs) {
      job.runs.forEach((run, index) => {
        this.#runs.set(`${job.id}:${index}`, {
          jobId: job.job_id,
          round: job.round,
          attempt: job.attempt,
          startedAt: Date.parse(run.started_at),
          endedAt: run.ended_at === null ? null : Date.parse(run.ended_at),
        })
      })
    }
    return jobs
  }

  /** Creates a job, again and again under one key until the service answers; null when it never did. */
  async create(body: unknown, key: string): Promise<string | null> {
    for (let tries = 0; tries < 40; tries++) {
      const response = await this.call('/api/jobs', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
        body: JSON.stringify(body),
      })
      if (response?.status === 201) return ((await response.json()) as { job_id: string }).job_id
      if (response && response.status < 500)
        throw new Error(`create answered ${response.status}: ${await response.text()}`)
      await pause(250)
    }
    return null
  }

  async job(id: string): Promise<Job | null> {
    const response = await this.call(`/api/jobs/${id}`)
    return response?.status === 200 ? ((await response.json()) as Job) : null
  }

  /** The answer, or null when the service could not be reached. */
  async call(path: string, init: RequestInit = {}): Promise<Response | null> {
    try {
      return await fetch(`${this.stack.url}${path}`, { ...init, signal: AbortSignal.timeout(20_000) })
    } catch {
      return null
    }
  }

  async #runpod(path: string, init: RequestInit = {}): Promise<Response | null> {
    try {
      return await fetch(`${this.stack.runpodUrl}${path}`, { ...init, signal: AbortSignal.timeout(5_000) })
    } catch {
      return null
    }
  }
}
