/**
 * One job from start to end through runpod-local, over real sockets, with a worker that renders nothing: how long each
 * step takes that a person or another program waits for.
 */
import { performance } from 'node:perf_hooks'
import type WebSocket from 'ws'
import { type RunpodLocal, startRunpodLocal } from '../../runpod-local/start.ts'
import type { Handler } from '../../runpod-local/workers.ts'
import { exportRequest } from '../contenders.ts'
import { Connection, requestBytes } from '../http/connection.ts'
import { send, unexpected } from '../http/load.ts'
import { openSocket } from '../http/sockets.ts'
import type { Measure, Row, Target } from '../measure.ts'
import type { Runtime } from '../runtime.ts'

const JOBS = 30
const QUICK_JOBS = 10
/** Until the watcher is there and has its snapshot, the worker waits. */
const GIVE_UP_MS = 10_000

interface Times {
  runReceived: number
  completeSent: number
  socketHeard: number
  rowWritten: number
}

/** p50 in milliseconds, as the design asks for. */
const STEPS: { measure: string; limit: number; from: keyof Times | 'created'; to: keyof Times }[] = [
  { measure: 'created → RunPod asked to run', limit: 25, from: 'created', to: 'runReceived' },
  { measure: 'completion reported → socket', limit: 10, from: 'completeSent', to: 'socketHeard' },
  { measure: 'completion reported → D1 row', limit: 50, from: 'completeSent', to: 'rowWritten' },
]

export const journey: Measure = async ({ contenders, quick }) => {
  const world = new World()
  const runpod = await world.start()
  const runtime = await contenders.onTheNetwork(`${runpod.url}/v2/bench`)
  const seen: (Times & { created: number })[] = []
  try {
    for (let nth = 0; nth < (quick ? QUICK_JOBS : JOBS); nth++) {
      seen.push(await travel(runtime, contenders.authorization, world, nth))
    }
  } finally {
    await runpod.close()
  }
  return STEPS.map(({ measure, limit, from, to }): Row => {
    const target: Target = { sense: 'at most', value: limit, base: null }
    const rounds = seen.slice(1).map((times) => times[to] - times[from])
    return { measure, figure: 'p50', unit: 'ms', series: [{ name: 'exportal', rounds }], target }
  })
}

/** RunPod on this computer, and what it saw of each job. */
class World {
  readonly runReceived = new Map<string, number>()
  readonly completeSent = new Map<string, number>()
  readonly #watched = new Map<string, () => void>()

  start(): Promise<RunpodLocal> {
    const log = (line: string) => {
      const [, id] = /job\.accepted.*\bjob=(\S+)/.exec(line) ?? []
      if (id !== undefined) this.runReceived.set(id, performance.now())
    }
    return startRunpodLocal({ port: 0, apiKey: 'bench-key', worker: this.#worker, log })
  }

  /** Lets the worker of a job go on. */
  watched(id: string): void {
    const go = this.#watched.get(id)
    if (go) go()
    else this.#watched.set(id, () => {})
  }

  readonly #worker: Handler = async ({ input }) => {
    const job = input as unknown as {
      job_id: string
      callback_url: string
      callback_token: string
      output: { put_url: string; video_key: string; content_type: string }
    }
    if (!this.#watched.has(job.job_id)) {
      await new Promise<void>((resolve) => this.#watched.set(job.job_id, resolve))
    }
    const headers = { Authorization: `Bearer ${job.callback_token}`, 'Content-Type': 'application/json' }
    await fetch(job.output.put_url, {
      method: 'PUT',
      headers: { 'Content-Type': job.output.content_type },
      body: 'video',
    })
    this.completeSent.set(job.job_id, performance.now())
    await fetch(`${job.callback_url}/complete`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ output_video_key: job.output.video_key }),
    })
    return {}
  }
}

async function travel(
  runtime: Runtime,
  headers: Record<string, string>,
  world: World,
  nth: number,
): Promise<Times & { created: number }> {
  const body = exportRequest(nth)
  await runtime.storeVideos([{ key: body.input_video_key, project: String(body.project_id) }], 'video')
  const created = performance.now()
  const answer = await send(runtime.port, requestBytes('POST', '/api/jobs', headers, body))
  if (answer.status !== 201) throw unexpected(answer)
  const { job_id: id }: { job_id: string } = JSON.parse(answer.body)
  const { socket } = await openSocket(`ws://127.0.0.1:${runtime.port}/api/jobs/${id}/ws`, headers)
  const [socketHeard, rowWritten] = await Promise.all([
    untilComplete(socket),
    untilListed(runtime, headers, id),
    Promise.resolve(world.watched(id)),
  ])
  const runReceived = world.runReceived.get(id) ?? Number.NaN
  const completeSent = world.completeSent.get(id) ?? Number.NaN
  return { created, runReceived, completeSent, socketHeard, rowWritten }
}

function untilComplete(socket: WebSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('The watcher was never told of the end.')), GIVE_UP_MS)
    socket.on('message', (data) => {
      const { job }: { job?: { status: string } } = JSON.parse(String(data))
      if (job?.status !== 'complete') return
      clearTimeout(late)
      resolve(performance.now())
    })
  })
}

/** Asks the list for the job's row, over and over. */
async function untilListed(runtime: Runtime, headers: Record<string, string>, id: string): Promise<number> {
  const connection = await Connection.open(runtime.port)
  const started = performance.now()
  const request = requestBytes('GET', '/api/jobs?limit=1', headers)
  try {
    while (performance.now() - started < GIVE_UP_MS) {
      const { body } = await connection.exchange(request)
      const { jobs }: { jobs: { id: string; status: string }[] } = JSON.parse(body)
      if (jobs[0]?.id === id && jobs[0].status === 'complete') return performance.now()
    }
  } finally {
    connection.close()
  }
  throw new Error('The list never showed the end.')
}
