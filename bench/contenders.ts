/** Who takes part in a measure, and how each is asked for the same thing. */
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Bundle, bundleService, bundleWorker, wrapService } from './bundle.ts'
import { requestBytes } from './http/connection.ts'
import { send, sendAll, unexpected } from './http/load.ts'
import { Runtime } from './runtime.ts'

const AUTH_SECRET = 'a-secret-of-the-bench-that-guards-nothing-at-all'
const ACTORS = { EXPORT_JOB: 'ExportJob', UPLOAD: 'Upload' }
/** As in production: every check is made. The largest PUT is raised, since no zone stands before this Worker. */
const VARS = {
  ENVIRONMENT: 'production',
  PUBLIC_URL: 'http://127.0.0.1:$PORT',
  AUTH_SECRET,
  RUNPOD_ENDPOINT: 'http://runpod.bench/v2/bench',
  RUNPOD_API_KEY: 'bench-key',
  MAX_PUT_BYTES: '1000000000',
}

/** The Workers of a run, built once and started when a measure first asks for them. */
export class Contenders {
  readonly #dir: string
  readonly #token: string
  readonly #service: Bundle
  readonly #started = new Map<string, Promise<Runtime>>()

  private constructor(dir: string, token: string, service: Bundle) {
    this.#dir = dir
    this.#token = token
    this.#service = service
  }

  static async build(dir: string): Promise<Contenders> {
    return new Contenders(dir, await makeToken(), await bundleService(join(dir, 'exportal')))
  }

  /** Headers of a back end that may do everything. */
  get authorization(): Record<string, string> {
    return { Authorization: `Bearer ${this.#token}` }
  }

  /** What the floor with duties asks of its callers. */
  get dutifulAuthorization(): Record<string, string> {
    const signature = createHmac('sha256', AUTH_SECRET).update('bench').digest().join('')
    return { Authorization: `Bearer bench.${signature}` }
  }

  /** The service as it deploys, its RunPod an instant one. */
  exportal(): Promise<Runtime> {
    return this.#once('exportal', async () => ({ bundle: this.#service, actors: ACTORS, vars: VARS }))
  }

  /** The same with every alarm an hour late, so that nothing is dispatched. */
  held(): Promise<Runtime> {
    return this.#once('held', async () => ({
      bundle: await wrapService(this.#service, 'held'),
      actors: ACTORS,
      vars: VARS,
    }))
  }

  /** The same behind meters, with a clock that is set by hand. */
  metered(): Promise<Runtime> {
    return this.#once('metered', async () => ({
      bundle: await wrapService(this.#service, 'metered'),
      actors: ACTORS,
      vars: VARS,
    }))
  }

  /** The service with a memory to itself, for a crowd of jobs. */
  crowded(): Promise<Runtime> {
    return this.#once('crowded', async () => ({ bundle: this.#service, actors: ACTORS, vars: VARS }))
  }

  /** The service with a RunPod behind real sockets. */
  onTheNetwork(runpodEndpoint: string): Promise<Runtime> {
    const vars = { ...VARS, RUNPOD_ENDPOINT: runpodEndpoint }
    return this.#once('network', async () => ({ bundle: this.#service, actors: ACTORS, vars }), false)
  }

  floor(): Promise<Runtime> {
    return this.#once('floor', () => this.#floor(VARS))
  }

  /** The floor with duties: the same Worker in a process of its own, so that it is not warm from the floor's turn. */
  dutiful(): Promise<Runtime> {
    return this.#once('dutiful', () => this.#floor(VARS))
  }

  floorOnTheNetwork(runpodEndpoint: string): Promise<Runtime> {
    const vars = { ...VARS, RUNPOD_ENDPOINT: runpodEndpoint }
    return this.#once('floor-network', () => this.#floor(vars), false)
  }

  async #floor(vars: Record<string, string>) {
    const bundle = await bundleWorker('workers/floor.ts', join(this.#dir, 'floor'))
    return { bundle, actors: { FLOOR: 'Floor' }, vars }
  }

  /** The plain design that most would write first. */
  plain(): Promise<Runtime> {
    return this.#once('plain', async () => ({
      bundle: await bundleWorker('peers/plain/index.ts', join(this.#dir, 'plain')),
      actors: { JOB: 'PlainJob' },
      vars: VARS,
    }))
  }

  meteredPlain(): Promise<Runtime> {
    return this.#once('metered-plain', async () => ({
      bundle: await bundleWorker('peers/plain/metered.ts', join(this.#dir, 'metered-plain')),
      actors: { JOB: 'PlainJob' },
      vars: VARS,
    }))
  }

  async stop(): Promise<void> {
    const started = await Promise.all(this.#started.values())
    await Promise.all(started.map((runtime) => runtime.stop()))
  }

  #once(
    name: string,
    options: () => Promise<{ bundle: Bundle; actors: Record<string, string>; vars: Record<string, string> }>,
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

/** A token that may do everything, made as an operator makes one; the counts live through months of a job's clock. */
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

/** The body of a request for an export, as a front end would send it. */
export function exportRequest(nth: number) {
  return {
    project_id: 1 + (nth % 100),
    type: 'overlay',
    input_video_key: `input/bench/${nth}.mp4`,
    params: { items: [{ type: 'text', text: `Export ${nth}` }] },
    metadata: { order: `order-${nth}` },
  }
}

/** What the floor holds of a job: about as long as the service's row. */
export const FLOOR_STATE = JSON.stringify(exportRequest(0)).padEnd(1200, ' ')

/** So many objects of both floors, each with its row. */
export async function floorJobs(
  contenders: Contenders,
  count: number,
): Promise<{ floor: Runtime; dutiful: Runtime; names: string[] }> {
  const floor = await contenders.floor()
  const dutiful = await contenders.dutiful()
  const names = Array.from({ length: count }, () => `floor-job-${crypto.randomUUID()}`)
  const creations = names.map((name) => requestBytes('POST', `/create/${name}`, {}, FLOOR_STATE))
  for (const { port } of [floor, dutiful]) await sendAll(port, 8, creations)
  return { floor, dutiful, names }
}

/** The input that `exportRequest` names, and its project. */
function inputOf(nth: number): { key: string; project: string } {
  const { input_video_key: key, project_id: project } = exportRequest(nth)
  return { key, project: String(project) }
}

export interface RunningJob {
  id: string
  /** Headers of its GPU worker. */
  worker: Record<string, string>
}

interface Run {
  input: { job_id: string; callback_token: string }
}

/**
 * So many jobs that RunPod has taken and whose first report came. Works for whoever speaks Exportal's HTTP: the peer
 * does as well.
 */
export async function runningJobs(
  runtime: Runtime,
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

/** Waits until RunPod was asked to run all of these jobs, and answers their callback tokens. */
async function takenRuns(runtime: Runtime, ids: readonly string[]): Promise<Map<string, string>> {
  const tokens = new Map<string, string>()
  const deadline = Date.now() + 60_000
  while (ids.some((id) => !tokens.has(id))) {
    if (Date.now() > deadline) throw new Error(`Only ${tokens.size} of ${ids.length} jobs were dispatched.`)
    const answer = await send(runtime.outsidePort, requestBytes('GET', '/runs'))
    const runs: Run[] = JSON.parse(answer.body)
    for (const { input } of runs) tokens.set(input.job_id, input.callback_token)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return tokens
}
