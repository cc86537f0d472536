/**
 * The service and runpod-local under attack: both are killed and restarted, and their observable data are recorded,
 * since runpod-local loses its jobs with its process.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Job } from '../../../client/types.ts'
import type { Stack } from '../../../scripts/stack.ts'
import type { Chance } from '../../support/chance.ts'

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

/** Statistics of the workers' lines. */
export interface LineCounts {
  opened: number
  /** Broken by any side before their workers were done. */
  cut: number
  /** Completions and errors that were acknowledged on a line. */
  acks: number
}

/** Each is active for a while, with one of `LINE_FAULTS`; then another, or none. */
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

/** A random interval after which a line is cut. */
const LINE_FAULTS: readonly [(chance: Chance) => FaultBody, ...((chance: Chance) => FaultBody)[]] = [
  () => ({}),
  (chance) => ({ cut_every_ms: chance.between(20, 2_000) }),
  (chance) => ({ cut_every_ms: chance.between(20, 2_000), duplicate: true, late_ms: 1_500 }),
  () => ({ refuse: true }),
  () => ({ drop_acks: true }),
  () => ({ duplicate: true, late_ms: 1_500 }),
  () => ({ slow_ms: 500 }),
]

export class World {
  readonly stack: Stack
  readonly #chance: Chance
  readonly #runs = new Map<string, Run>()
  /** Intervals in which the service could not stop workers. */
  readonly downtimes: { from: number; to: number }[] = []
  kills = 0

  constructor(stack: Stack, chance: Chance) {
    this.stack = stack
    this.#chance = chance
  }

  get runs(): Run[] {
    return [...this.#runs.values()]
  }

  /** Kills one of the two and restarts it a moment later. */
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

  async switchFaults(faults: FaultBody = this.#anyFaults()): Promise<void> {
    await this.#runpod('/faults', { method: 'PUT', body: JSON.stringify(faults) })
  }

  #anyFaults(): FaultBody {
    return { ...this.#chance.pick(FAULTS), line: this.#chance.pick(LINE_FAULTS)(this.#chance) }
  }

  /** According to the workers' log. */
  async lines(): Promise<LineCounts> {
    const log = await readFile(this.stack.runpodLog, 'utf8')
    const count = (line: RegExp) => log.match(line)?.length ?? 0
    return {
      opened: count(/ line\.open /g),
      cut: count(/ line\.closed /g),
      acks: count(/ report\.sent .*answer=ack/g),
    }
  }

  /** Records the runs of runpod-local so far. */
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

  /** Creates a job, repeatedly with one key until the service answers; null when it never did. */
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
