/**
 * Exactly what one job costs: its whole life is played request by request against the metered Worker, whose clock and
 * alarms are set by hand. Nothing here is timed; two runs give the same figures.
 */
import WebSocket from 'ws'
import { exportRequest } from '../contenders.ts'
import { Connection, requestBytes } from '../http/connection.ts'
import { send, unexpected } from '../http/load.ts'
import type { Context } from '../measure.ts'
import type { Runtime } from '../runtime.ts'

/** As bench/workers/tally.ts counts. */
export type Counts = Record<string, number>

interface Case {
  watchers: 0 | 1
  reports: number
  attempts: number
}

export interface CountedJob extends Case {
  name: 'exportal' | 'plain'
  /** Until the job ended, and nothing more was due within five minutes. */
  toEnd: Counts
  /** Until its actor was retired, by default a week later; the same for who retires nothing. */
  inAll: Counts
  /** From the first request to the end, in seconds of the job's own clock. */
  seconds: number
}

const CASES: Case[] = ([0, 1] as const).flatMap((watchers) =>
  [0, 100, 1_000].flatMap((reports) => [1, 3].map((attempts) => ({ watchers, reports, attempts }))),
)
/** The case that the design sets a budget for. */
const QUICK: Case[] = [{ watchers: 1, reports: 100, attempts: 1 }]

const SECOND = 1_000
const RUN_MS = 200 * SECOND
const WEEK_MS = 7 * 24 * 3600 * SECOND

export async function countJobs(context: Context): Promise<CountedJob[]> {
  const { contenders } = context
  const jobs: CountedJob[] = []
  for (const [name, runtime] of [
    ['exportal', await contenders.metered()],
    ['plain', await contenders.meteredPlain()],
  ] as const) {
    for (const each of context.quick ? QUICK : CASES) {
      context.say(`${name}: ${each.watchers} watchers, ${each.reports} reports, ${each.attempts} attempts`)
      const connection = await Connection.open(runtime.port)
      const life = new Life(runtime, connection, contenders.authorization)
      jobs.push({ name, ...each, ...(await life.play(each)) })
      connection.close()
    }
  }
  return jobs
}

interface RunBody {
  webhook?: string
  input: { callback_token: string; output?: { put_url: string } }
}

/** One job from its creation to its retirement. */
class Life {
  readonly #runtime: Runtime
  readonly #connection: Connection
  readonly #authorization: Record<string, string>
  #id = ''
  #passedMs = 0

  constructor(runtime: Runtime, connection: Connection, authorization: Record<string, string>) {
    this.#runtime = runtime
    this.#connection = connection
    this.#authorization = authorization
  }

  async play({ watchers, reports, attempts }: Case) {
    const body = exportRequest(1)
    await this.#runtime.storeVideos(
      [{ key: body.input_video_key, project: String(body.project_id) }],
      'video',
    )
    await send(this.#runtime.outsidePort, requestBytes('GET', '/runs'))
    await this.#control('/__bench/reset')
    const created = await this.#call('POST', '/api/jobs', this.#authorization, body)
    this.#id = String(created.job_id)
    const sockets = await Promise.all(Array.from({ length: watchers }, () => this.#watch()))
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const run = await this.#dispatched()
      await this.#work(run, reports)
      await (attempt < attempts ? this.#fail(run) : this.#complete(run))
    }
    const seconds = this.#passedMs / SECOND
    await this.#pass(60 * SECOND, 5)
    const toEnd = await this.#counts()
    for (const socket of sockets) socket.close()
    await this.#pass(6 * 3600 * SECOND, 2)
    await this.#pass(WEEK_MS, 1)
    await this.#pass(60 * SECOND, 3)
    return { toEnd, inAll: await this.#counts(), seconds }
  }

  /** Until RunPod is asked to run the next attempt. */
  async #dispatched(): Promise<RunBody> {
    for (let tries = 0; tries < 100; tries++) {
      await this.#pass(tries === 0 ? 0 : 5 * SECOND, 1)
      const answer = await send(this.#runtime.outsidePort, requestBytes('GET', '/runs'))
      const [run]: RunBody[] = JSON.parse(answer.body)
      if (run) return run
    }
    throw new Error('The job was never dispatched.')
  }

  async #work(run: RunBody, reports: number): Promise<void> {
    await this.#pass(10 * SECOND, 1)
    const worker = { Authorization: `Bearer ${run.input.callback_token}` }
    const spacing = reports > 200 ? SECOND : 2 * SECOND
    for (let nth = 1; nth <= reports; nth++) {
      this.#passedMs += spacing
      const progress = (100 * nth) / (reports + 1)
      const stage = progress < 5 ? 'downloading' : progress < 95 ? 'rendering' : 'uploading'
      await this.#call('POST', `/api/jobs/${this.#id}/do/progress`, this.#after(spacing, worker), {
        progress,
        stage,
      })
    }
    if (reports === 0) await this.#pass(10 * SECOND, RUN_MS / (10 * SECOND))
  }

  async #fail(run: RunBody): Promise<void> {
    const worker = { Authorization: `Bearer ${run.input.callback_token}` }
    const error = { error: 'The GPU fell off the bus.', should_retry: true, code: 'worker_error' }
    await this.#call('POST', `/api/jobs/${this.#id}/do/error`, worker, error)
    await this.#webhook(run, 'FAILED')
  }

  /** The worker stores its file and says so; then RunPod says that it is done. */
  async #complete(run: RunBody): Promise<void> {
    const worker = { Authorization: `Bearer ${run.input.callback_token}` }
    const { pathname, search } = new URL(run.input.output?.put_url ?? `http://x/api/jobs/${this.#id}/result`)
    const headers = { 'Content-Type': 'video/mp4' }
    const put = requestBytes('PUT', pathname + search, headers, 'result')
    const stored = await this.#connection.exchange(put)
    if (stored.status >= 300) throw unexpected(stored)
    const body = { output_video_key: pathname.replace('/api/videos/upload/', '') }
    await this.#call('POST', `/api/jobs/${this.#id}/do/complete`, worker, body)
    await this.#pass(0, 1)
    await this.#webhook(run, 'COMPLETED')
  }

  async #webhook(run: RunBody, status: string): Promise<void> {
    if (run.webhook === undefined) return
    const { pathname, search } = new URL(run.webhook)
    await this.#call('POST', pathname + search, {}, { status, delayTime: 2000, executionTime: 200_000 })
    await this.#pass(0, 1)
  }

  async #watch(): Promise<WebSocket> {
    const url = `ws://127.0.0.1:${this.#runtime.port}/api/jobs/${this.#id}/ws`
    const socket = new WebSocket(url, { headers: this.#authorization })
    await new Promise((resolve, reject) => {
      socket.once('message', resolve)
      socket.once('error', reject)
    })
    return socket
  }

  async #call(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: unknown,
  ): Promise<Record<string, unknown>> {
    const answer = await this.#connection.exchange(requestBytes(method, path, headers, body))
    if (answer.status >= 300) throw unexpected(answer)
    const value: Record<string, unknown> = JSON.parse(answer.body)
    return value
  }

  /** `ms` pass so many times, and the alarm rings whenever it is due. */
  async #pass(ms: number, times: number): Promise<void> {
    for (let nth = 0; nth < times; nth++) {
      this.#passedMs += ms
      await this.#control('/__bench/pass', this.#after(ms, {}))
    }
  }

  /** Headers of a request before which `ms` pass. */
  #after(ms: number, headers: Record<string, string>): Record<string, string> {
    return { ...headers, 'X-Bench-Pass': `${ms} ${this.#id}` }
  }

  async #counts(): Promise<Counts> {
    const counts: Counts = JSON.parse(await this.#control('/__bench/counts'))
    return counts
  }

  async #control(path: string, headers: Record<string, string> = {}): Promise<string> {
    const answer = await this.#connection.exchange(requestBytes('GET', path, headers))
    if (answer.status !== 200) throw unexpected(answer)
    return answer.body
  }
}
