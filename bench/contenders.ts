/** The contenders of a measure, and equivalent requests for each. */

import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Bundle, bundleService, bundleWorker, wrapService } from './bundle.ts'
import { requestBytes } from './http/connection.ts'
import { send, sendAll, unexpected } from './http/load.ts'
import { type Fsync, hasRedis, RedisPeer } from './redis-peer.ts'
import { Runtime, type RuntimeOptions, type Served } from './runtime.ts'

const AUTH_SECRET = 'a-secret-of-the-bench-that-guards-nothing-at-all'
const PLAIN_TABLES = join(import.meta.dirname, 'peers/plain/tables')
const ACTORS = { EXPORT_JOB: 'ExportJob', LANE: 'Lane', UPLOAD: 'Upload' }
/**
 * As in production, with every check enabled. The limit of a PUT is raised, since there is no zone before this Worker.
 */
const VARS = {
  ENVIRONMENT: 'production',
  PUBLIC_URL: 'http://127.0.0.1:$PORT',
  AUTH_SECRET,
  RUNPOD_ENDPOINT: 'http://runpod.bench/v2/bench',
  RUNPOD_API_KEY: 'bench-key',
  MAX_PUT_BYTES: '1000000000',
}

/** The Workers of a run, built once and started on first use. */
export class Contenders {
  readonly #dir: string
  readonly #token: string
  readonly #service: Bundle
  readonly #started = new Map<string, Promise<Runtime>>()
  readonly #peers = new Map<Fsync, Promise<RedisPeer>>()
  readonly hasRedis = hasRedis()

  private constructor(dir: string, token: string, service: Bundle) {
    this.#dir = dir
    this.#token = token
    this.#service = service
  }

  static async build(dir: string): Promise<Contenders> {
    return new Contenders(dir, await makeToken(), await bundleService(join(dir, 'exportal')))
  }

  /** Headers of a back end with all scopes. */
  get authorization(): Record<string, string> {
    return { Authorization: `Bearer ${this.#token}` }
  }

  /** Headers with the credentials for the floor with duties. */
  get dutifulAuthorization(): Record<string, string> {
    const signature = createHmac('sha256', AUTH_SECRET).update('bench').digest().join('')
    return { Authorization: `Bearer bench.${signature}` }
  }

  /**
   * The service as deployed, with a RunPod that answers at once. A measure has a process of its own when the warmth or
   * the memory that others leave behind would count.
   */
  exportal(process: 'exportal' | 'attacked' | 'crowded' | 'lined' = 'exportal'): Promise<Runtime> {
    return this.#once(process, async () => ({ bundle: this.#service, actors: ACTORS, vars: VARS }))
  }

  /** The same with every alarm delayed by an hour, so that nothing is dispatched. */
  held(): Promise<Runtime> {
    return this.#once('held', async () => ({
      bundle: await wrapService(this.#service, 'held'),
      actors: ACTORS,
      vars: VARS,
    }))
  }

  /** The same with metering, and a clock that is set manually. */
  metered(): Promise<Runtime> {
    return this.#once('metered', async () => ({
      bundle: await wrapService(this.#service, 'metered'),
      actors: ACTORS,
      vars: VARS,
    }))
  }

  /** The same with a limited number of places at its endpoint, or without lanes. */
  meteredLane(lane: 'none' | 'limited'): Promise<Runtime> {
    const { RUNPOD_ENDPOINT: url } = VARS
    const limited = { RUNPOD_ENDPOINTS: JSON.stringify({ default: { url, places: 6 } }) }
    return this.#once(`metered-${lane}`, async () => ({
      bundle: await wrapService(this.#service, 'metered'),
      actors: ACTORS,
      vars: { ...VARS, ...(lane === 'none' ? { NO_LANE: '1' } : limited) },
    }))
  }

  /** The service with a RunPod behind real sockets. */
  onTheNetwork(runpodEndpoint: string): Promise<Runtime> {
    const vars = { ...VARS, RUNPOD_ENDPOINT: runpodEndpoint }
    return this.#once('network', async () => ({ bundle: this.#service, actors: ACTORS, vars }), false)
  }

  /** The least that does the same. `dutiful`, the floor with duties, and the floor of lines are not warmed by its turns. */
  floor(process: 'floor' | 'dutiful' | 'lined-floor' = 'floor'): Promise<Runtime> {
    return this.#once(process, () => this.#floor(VARS))
  }

  floorOnTheNetwork(runpodEndpoint: string): Promise<Runtime> {
    const vars = { ...VARS, RUNPOD_ENDPOINT: runpodEndpoint }
    return this.#once('floor-network', () => this.#floor(vars), false)
  }

  async #floor(vars: Record<string, string>) {
    const bundle = await bundleWorker('workers/floor.ts', join(this.#dir, 'floor'))
    return { bundle, actors: { FLOOR: 'Floor' }, vars }
  }

  /** The plain design, a typical first implementation. */
  plain(): Promise<Runtime> {
    return this.#once('plain', async () => ({
      bundle: await bundleWorker('peers/plain/index.ts', join(this.#dir, 'plain')),
      actors: { JOB: 'PlainJob' },
      vars: VARS,
      tables: PLAIN_TABLES,
    }))
  }

  meteredPlain(): Promise<Runtime> {
    return this.#once('metered-plain', async () => ({
      bundle: await bundleWorker('peers/plain/metered.ts', join(this.#dir, 'metered-plain')),
      actors: { JOB: 'PlainJob' },
      vars: VARS,
      tables: PLAIN_TABLES,
    }))
  }

  /** BullMQ on Redis by column name; empty without Redis. */
  async redis(): Promise<[name: string, RedisPeer][]> {
    if (!this.hasRedis) return []
    const start = async (fsync: Fsync): Promise<[string, RedisPeer]> => {
      const known = this.#peers.get(fsync) ?? RedisPeer.start(fsync)
      this.#peers.set(fsync, known)
      return [`redis ${fsync}`, await known]
    }
    return [await start('everysec'), await start('always')]
  }

  /** All contenders with Exportal's HTTP API, by column name; the one under test first. */
  async withApi(): Promise<[name: string, served: Served][]> {
    return [['exportal', await this.exportal()], ['plain', await this.plain()], ...(await this.redis())]
  }

  async stop(): Promise<void> {
    const started = await Promise.allSettled<Served>([...this.#started.values(), ...this.#peers.values()])
    await Promise.all(started.map((each) => each.status === 'fulfilled' && each.value.stop()))
  }

  #once(
    name: string,
    options: () => Promise<Pick<RuntimeOptions, 'bundle' | 'actors' | 'vars' | 'tables'>>,
    fakeOutside = true,
  ): Promise<Runtime> {
    const known = this.#started.get(name)
    if (known) return known
    const runtime = (async () => {
      const outside = {
        name: 'outside',
        bundle: await bundleWorker('workers/outside.ts', join(this.#dir, 'outside')),
      }
      return Runtime.start({ name, ...(await options()), ...(fakeOutside && { outside }) })
    })()
    this.#started.set(name, runtime)
    return runtime
  }
}

/** A token with all scopes, created as operators do; its expiry covers the counts' simulated months. */
async function makeToken(): Promise<string> {
  const script = join(import.meta.dirname, '../scripts/token.ts')
  const env = { ...process.env, AUTH_SECRET }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [script, '--scope', 'admin', '--ttl', '366d'],
    { env },
  )
  return stdout.trim()
}

/** The body of a request for an export, as sent by a front end. */
export function exportRequest(nth: number) {
  return {
    project_id: 1 + (nth % 100),
    type: 'overlay',
    input_video_key: `input/bench/${nth}.mp4`,
    params: { items: [{ type: 'text', text: `Export ${nth}` }] },
    metadata: { order: `order-${nth}` },
  }
}

/** The floor's state of a job: about as long as the service's row. */
export const FLOOR_STATE = JSON.stringify(exportRequest(0)).padEnd(1200, ' ')

/** Creates this many objects of both floors, each with its row. */
export async function floorJobs(
  contenders: Contenders,
  count: number,
): Promise<{ floor: Runtime; dutiful: Runtime; names: string[] }> {
  const floor = await contenders.floor()
  const dutiful = await contenders.floor('dutiful')
  const names = Array.from({ length: count }, () => `floor-job-${crypto.randomUUID()}`)
  const creations = names.map((name) => requestBytes('POST', `/create/${name}`, {}, FLOOR_STATE))
  for (const { port } of [floor, dutiful]) await sendAll(port, 8, creations)
  return { floor, dutiful, names }
}

/** The input of the `nth` `exportRequest`, and its project. */
export function inputOf(nth: number): { key: string; project: string } {
  const { input_video_key: key, project_id: project } = exportRequest(nth)
  return { key, project: String(project) }
}

export interface RunningJob {
  id: string
  /** Headers of the job's GPU worker. */
  worker: Record<string, string>
}

interface Run {
  input: { job_id: string; callback_token: string }
}

/**
 * Creates this many jobs that RunPod has accepted and whose first report was received. Works for every contender with
 * Exportal's HTTP API, such as the peers.
 */
export async function runningJobs(
  runtime: Served,
  authorization: Record<string, string>,
  count: number,
): Promise<RunningJob[]> {
  const creations = Array.from({ length: count }, (_, nth) =>
    requestBytes('POST', '/api/jobs', authorization, exportRequest(nth)),
  )
  await runtime.storeVideos(
    Array.from({ length: count }, (_, nth) => inputOf(nth)),
    'video',
  )
  const created = await sendAll(runtime.port, 8, creations)
  const ids = created.map((answer) => {
    if (answer.status !== 201) throw unexpected(answer)
    const { job_id: id }: { job_id: string } = JSON.parse(answer.body)
    return id
  })
  const tokens = await takenRuns(runtime, ids)
  const jobs = ids.map((id) => ({ id, worker: { Authorization: `Bearer ${tokens.get(id)}` } }))
  await sendAll(
    runtime.port,
    8,
    jobs.map((job) => reportRequest(job, 1)),
  )
  return jobs
}

export function reportRequest({ id, worker }: RunningJob, progress: number, stage = 'rendering'): Buffer {
  return requestBytes('POST', `/api/jobs/${id}/do/progress`, worker, { progress, stage, eta_seconds: 60 })
}

/** The runs requested from RunPod since the previous call. */
export async function runsOf(served: Served): Promise<Run[]> {
  const answer = await send(served.outsidePort, requestBytes('GET', '/runs'))
  return JSON.parse(answer.body)
}

/** Waits until all of these jobs were sent to RunPod, and returns their callback tokens. */
async function takenRuns(runtime: Served, ids: readonly string[]): Promise<Map<string, string>> {
  const tokens = new Map<string, string>()
  const deadline = Date.now() + 60_000
  while (ids.some((id) => !tokens.has(id))) {
    if (Date.now() > deadline) throw new Error(`Only ${tokens.size} of ${ids.length} jobs were dispatched.`)
    for (const { input } of await runsOf(runtime)) tokens.set(input.job_id, input.callback_token)
    await pause(50)
  }
  return tokens
}
