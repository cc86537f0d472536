/**
 * One job from start to end through runpod-local, over real sockets, with a worker that renders nothing: the duration
 * of each step that a person or a program waits for.
 */

import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type WebSocket from 'ws'
import { type RunpodLocal, startRunpodLocal } from '../../runpod-local/start.ts'
import type { Handler } from '../../runpod-local/workers.ts'
import { exportRequest } from '../contenders.ts'
import { Connection, requestBytes } from '../http/connection.ts'
import { send, unexpected } from '../http/load.ts'
import { openSocket, wsUrl } from '../http/sockets.ts'
import type { Measure, Row, Target } from '../measure.ts'
import type { Runtime } from '../runtime.ts'

const JOBS = 30
const QUICK_JOBS = 10
/** The worker waits until the watcher has its snapshot. */
const GIVE_UP_MS = 10_000
const PAUSE_MS = 3

interface Times {
  runReceived: number
  completeSent: number
  socketHeard: number
  rowWritten: number
}

/** p50 in milliseconds, with the design's limits. */
const STEPS: { measure: string; limit: number; from: keyof Times | 'created'; to: keyof Times }[] = [
  { measure: 'created → RunPod asked to run', limit: 25, from: 'created', to: 'runReceived' },
  { measure: 'completion reported → socket', limit: 10, from: 'completeSent', to: 'socketHeard' },
  { measure: 'completion reported → D1 row', limit: 50, from: 'completeSent', to: 'rowWritten' },
]

/** A contender: how it creates a job, and how its row is read. */
interface Traveller {
  name: string
  runtime: Runtime
  headers: Record<string, string>
  create(nth: number): Promise<Buffer>
  watch(id: string): string
  row(id: string): Buffer
}

export const journey: Measure = async ({ contenders, quick }) => {
  const world = new World()
  const runpod = await world.start()
  const endpoint = `${runpod.url}/v2/bench`
  const travellers = [
    asExportal(await contenders.onTheNetwork(endpoint), contenders.authorization),
    asFloor(await contenders.floorOnTheNetwork(endpoint)),
  ]
  const seen = travellers.map((): (Times & { created: number })[] => [])
  try {
    for (let nth = 0; nth < (quick ? QUICK_JOBS : JOBS); nth++) {
      for (const [who, traveller] of travellers.entries()) {
        seen[who]?.push(await travel(traveller, world, nth))
      }
    }
  } finally {
    await runpod.close()
  }
  return STEPS.map(({ measure, limit, from, to }): Row => {
    const target: Target = { sense: 'at most', value: limit, base: null }
    const series = travellers.map(({ name }, who) => ({
      name,
      rounds: (seen[who] ?? []).slice(1).map((times) => times[to] - times[from]),
    }))
    return { measure, figure: 'p50', unit: 'ms', series, target }
  })
}

function asExportal(runtime: Runtime, headers: Record<string, string>): Traveller {
  return {
    name: 'exportal',
    runtime,
    headers,
    async create(nth) {
      const body = exportRequest(nth)
      await runtime.storeVideos([{ key: body.input_video_key, project: String(body.project_id) }], 'video')
      return requestBytes('POST', '/api/jobs', headers, body)
    },
    watch: (id) => `/api/jobs/${id}/ws`,
    row: () => requestBytes('GET', '/api/jobs?limit=1', headers),
  }
}

/** The bare steps: one write for each, the same access to the bucket, the same calls. */
function asFloor(runtime: Runtime): Traveller {
  const query = 'SELECT id, status FROM export_jobs WHERE id = ?'
  return {
    name: 'floor',
    runtime,
    headers: {},
    create: async (nth) => requestBytes('POST', `/start/${crypto.randomUUID()}`, {}, exportRequest(nth)),
    watch: (id) => `/ws/${id}?bytes=10`,
    row: (id) => requestBytes('POST', '/list', {}, { query, values: [id] }),
  }
}

/** RunPod on this computer, and its observations of each job. */
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

  /** Lets the worker of a job continue. */
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

async function travel(traveller: Traveller, world: World, nth: number): Promise<Times & { created: number }> {
  const { runtime, headers } = traveller
  const request = await traveller.create(nth)
  const created = performance.now()
  const answer = await send(runtime.port, request)
  if (answer.status !== 201) throw unexpected(answer)
  const { job_id: id }: { job_id: string } = JSON.parse(answer.body)
  const { socket } = await openSocket(wsUrl(runtime, traveller.watch(id)), headers)
  const [socketHeard, rowWritten] = await Promise.all([
    untilComplete(socket),
    untilListed(traveller, id),
    Promise.resolve(world.watched(id)),
  ])
  socket.terminate()
  const runReceived = world.runReceived.get(id) ?? Number.NaN
  const completeSent = world.completeSent.get(id) ?? Number.NaN
  return { created, runReceived, completeSent, socketHeard, rowWritten }
}

function untilComplete(socket: WebSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('The watcher never received the end.')), GIVE_UP_MS)
    socket.on('message', (data) => {
      const { job }: { job?: { status: string } } = JSON.parse(String(data))
      if (job?.status !== 'complete') return
      clearTimeout(late)
      resolve(performance.now())
    })
  })
}

/** Polls the job's row, with pauses so that polling does not slow down what is measured. */
async function untilListed(traveller: Traveller, id: string): Promise<number> {
  const connection = await Connection.open(traveller.runtime.port)
  const started = performance.now()
  const request = traveller.row(id)
  try {
    while (performance.now() - started < GIVE_UP_MS) {
      const { body } = await connection.exchange(request)
      const { jobs }: { jobs: { id: string; status: string }[] } = JSON.parse(body)
      if (jobs[0]?.id === id && jobs[0].status === 'complete') return performance.now()
      await pause(PAUSE_MS)
    }
  } finally {
    connection.close()
  }
  throw new Error('The list never showed the end.')
}
