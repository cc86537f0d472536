/**
 * The exact cost of one job: its whole life is played request by request against the metered Worker, whose clock and
 * alarms are set manually. Nothing is timed; two runs have identical figures.
 */
import { once } from 'node:events'
import type WebSocket from 'ws'
import { exportRequest } from '../contenders.ts'
import { Connection, requestBytes } from '../http/connection.ts'
import { send, unexpected } from '../http/load.ts'
import { lineUrl, openSocket, openWorkerLine, watchUrl } from '../http/sockets.ts'
import type { Context } from '../measure.ts'
import type { Runtime } from '../runtime.ts'

/** The counters of bench/workers/tally.ts. */
export type Counts = Record<string, number>

interface Case {
  watchers: 0 | 1
  reports: number
  attempts: number
  /** Whether the worker reports over its line. */
  line: boolean
  /** Options of some of Exportal's cases. */
  over?: Lanes
}

interface Lanes {
  /**
   * `none`: places are granted without calls, as if there were no lanes; `limited`: with places. By default unlimited.
   */
  lane?: 'none' | 'limited'
  /** Whether an operator has paused the lane for an hour when the job is created. */
  waits?: boolean
  /** Whether the worker also stores a poster. */
  poster?: boolean
}

export interface CountedJob extends Case {
  name: 'exportal' | 'plain'
  /** Until the job ended, with nothing more due within five minutes. */
  toEnd: Counts
  /** Until its actor was retired, by default after a week; equal for contenders without retirement. */
  inAll: Counts
  /** From the first request to the end, in seconds of the job's simulated clock. */
  seconds: number
}

const CASES: Case[] = ([0, 1] as const).flatMap((watchers) =>
  [0, 100, 1_000].flatMap((reports) =>
    [1, 3].map((attempts) => ({ watchers, reports, attempts, line: false })),
  ),
)
/** The case with a budget in the design. */
const QUICK: Case[] = [{ watchers: 1, reports: 100, attempts: 1, line: false }]
/** The same over the worker's line, and the cases of lanes, which only Exportal has. */
const LINED: Case[] = QUICK.flatMap((each) => {
  const line = { ...each, line: true }
  return [
    line,
    { ...line, over: { lane: 'none' } },
    { ...line, over: { lane: 'limited' } },
    { ...line, watchers: 0, over: { lane: 'limited', waits: true } },
    { ...line, over: { lane: 'limited', waits: true } },
    { ...line, over: { lane: 'limited', poster: true } },
  ] satisfies Case[]
})

const SECOND = 1_000
const RUN_MS = 200 * SECOND
const HOUR_MS = 3600 * SECOND
const WEEK_MS = 7 * 24 * HOUR_MS
/** The interval at which a watched job requests its position in the queue. */
const ASK_MS = 15 * SECOND

export async function countJobs(context: Context): Promise<CountedJob[]> {
  const { contenders } = context
  const jobs: CountedJob[] = []
  for (const [name, runtime] of [
    ['exportal', await contenders.metered()],
    ['plain', await contenders.meteredPlain()],
  ] as const) {
    const posted = context.quick ? QUICK : CASES
    for (const each of name === 'exportal' ? [...posted, ...LINED] : posted) {
      const { watchers, reports, attempts, line, over } = each
      const way = line ? 'over a line' : 'posted'
      const more = over ? `, ${JSON.stringify(over)}` : ''
      context.say(`${name}: ${watchers} watchers, ${reports} reports ${way}, ${attempts} attempts${more}`)
      const server = over?.lane ? await contenders.meteredLane(over.lane) : runtime
      const connection = await Connection.open(server.port)
      const life = new Life(server, connection, contenders.authorization)
      jobs.push({ name, ...each, ...(await life.play(each)) })
      connection.close()
    }
  }
  return jobs
}

interface RunBody {
  webhook?: string
  input: { callback_token: string; output?: { put_url: string; poster_put_url: string } }
}

/** One job from its creation to its retirement. */
class Life {
  readonly #runtime: Runtime
  readonly #connection: Connection
  readonly #authorization: Record<string, string>
  #id = ''
  #line: { socket: WebSocket; say: (message: object) => Promise<void>; n: number } | null = null
  #passedMs = 0

  constructor(runtime: Runtime, connection: Connection, authorization: Record<string, string>) {
    this.#runtime = runtime
    this.#connection = connection
    this.#authorization = authorization
  }

  async play({ watchers, reports, attempts, line, over = {} }: Case) {
    const body = exportRequest(1)
    await this.#runtime.storeVideos(
      [{ key: body.input_video_key, project: String(body.project_id) }],
      'video',
    )
    await send(this.#runtime.outsidePort, requestBytes('GET', '/runs'))
    // Lets the lane create its tables beforehand, as after the first job of a deployment.
    if (over.lane === 'limited') await this.#actOnLane('pause')
    if (over.lane === 'limited' && !over.waits) await this.#actOnLane('resume')
    await this.#control('/__bench/reset')
    const created = await this.#call('POST', '/api/jobs', this.#authorization, body)
    this.#id = String(created.job_id)
    const sockets = await Promise.all(Array.from({ length: watchers }, () => this.#watch()))
    if (over.waits) {
      await this.#pass(ASK_MS, HOUR_MS / ASK_MS)
      await this.#actOnLane('resume')
    }
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const run = await this.#dispatched()
      if (line) await this.#workOnLine(run, reports)
      else await this.#work(run, reports)
      await (attempt < attempts ? this.#fail(run) : this.#complete(run, over.poster === true))
    }
    const seconds = this.#passedMs / SECOND
    await this.#pass(60 * SECOND, 5)
    const toEnd = await this.#counts()
    for (const socket of sockets) socket.close()
    await this.#pass(6 * HOUR_MS, 2)
    await this.#pass(WEEK_MS, 1)
    await this.#pass(60 * SECOND, 3)
    return { toEnd, inAll: await this.#counts(), seconds }
  }

  /** Until RunPod is requested to run the next attempt. */
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

  /** Simulates a worker with a line, which is open until the end is stored and acknowledged. */
  async #workOnLine(run: RunBody, reports: number): Promise<void> {
    await this.#pass(10 * SECOND, 1)
    const headers = { Authorization: `Bearer ${run.input.callback_token}` }
    const socket = await openWorkerLine(lineUrl(this.#runtime, this.#id), headers)
    // Messages of a socket stay in order: all earlier ones are processed before this is answered.
    const settle = async () => {
      socket.send('ping')
      await once(socket, 'message')
    }
    const say = (message: object) => {
      socket.send(JSON.stringify(message))
      return settle()
    }
    await settle()
    for (let n = 1; n <= reports; n++) {
      await this.#pass(2 * SECOND, 1)
      const progress = (100 * n) / (reports + 1)
      const stage = progress < 5 ? 'downloading' : progress < 95 ? 'rendering' : 'uploading'
      await say({ type: 'progress', n, progress, stage })
    }
    this.#line = { socket, say, n: reports + 1 }
  }

  async #fail(run: RunBody): Promise<void> {
    const worker = { Authorization: `Bearer ${run.input.callback_token}` }
    const error = { error: 'The GPU fell off the bus.', should_retry: true, code: 'worker_error' }
    await this.#call('POST', `/api/jobs/${this.#id}/do/error`, worker, error)
    await this.#webhook(run, 'FAILED')
  }

  /** The worker stores its file and reports completion; then RunPod's webhook follows. */
  async #complete(run: RunBody, poster: boolean): Promise<void> {
    const worker = { Authorization: `Bearer ${run.input.callback_token}` }
    const { output } = run.input
    if (poster && output) await this.#store(output.poster_put_url, 'image/jpeg')
    const path = await this.#store(output?.put_url ?? `http://x/api/jobs/${this.#id}/result`, 'video/mp4')
    const body = { output_video_key: path.replace('/api/videos/upload/', ''), ...(poster && { poster }) }
    if (this.#line) await this.#line.say({ type: 'complete', n: this.#line.n, ...body })
    else await this.#call('POST', `/api/jobs/${this.#id}/do/complete`, worker, body)
    this.#line?.socket.close()
    await this.#pass(0, 1)
    await this.#webhook(run, 'COMPLETED')
  }

  /** Returns the path that it was stored at. */
  async #store(url: string, type: string): Promise<string> {
    const { pathname, search } = new URL(url)
    const put = requestBytes('PUT', pathname + search, { 'Content-Type': type }, 'result')
    const stored = await this.#connection.exchange(put)
    if (stored.status >= 300) throw unexpected(stored)
    return pathname
  }

  async #actOnLane(action: 'pause' | 'resume'): Promise<void> {
    const body = { action, reason: 'A job is to wait.' }
    await this.#call('POST', '/api/admin/lanes/default/actions', this.#authorization, body)
  }

  async #webhook(run: RunBody, status: string): Promise<void> {
    if (run.webhook === undefined) return
    const { pathname, search } = new URL(run.webhook)
    await this.#call('POST', pathname + search, {}, { status, delayTime: 2000, executionTime: 200_000 })
    await this.#pass(0, 1)
  }

  async #watch(): Promise<WebSocket> {
    return (await openSocket(watchUrl(this.#runtime, this.#id), this.#authorization)).socket
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

  /** Advances the clock by `ms` this many times, and fires the alarm whenever it is due. */
  async #pass(ms: number, times: number): Promise<void> {
    for (let nth = 0; nth < times; nth++) {
      this.#passedMs += ms
      await this.#control('/__bench/pass', this.#after(ms, {}))
    }
  }

  /** Headers of a request that first advances the clock by `ms`. */
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
