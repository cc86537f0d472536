/** Fan-out of one report to 1, 100 and 1,000 watchers, and the way back into a job after a break. */
import type WebSocket from 'ws'
import { type RunningJob, reportRequest, runningJobs } from '../contenders.ts'
import { Connection, requestBytes } from '../http/connection.ts'
import { load, send, unexpected } from '../http/load.ts'
import { openSocket, openSockets, untilAllHeard } from '../http/sockets.ts'
import type { Context, Measure, Row } from '../measure.ts'
import { type Turn, takeShortTurns, takeTurns } from '../rounds.ts'
import type { Runtime } from '../runtime.ts'
import { median } from '../statistics.ts'

/** What watchers are told of progress comes at most ten times a second: reports further apart wait for nothing. */
const APART_MS = 130
/** About as long as a progress message of the service. */
const MESSAGE = 'x'.repeat(150)
const REPORT = { progress: 50, stage: 'rendering', eta_seconds: 60 }
const REPLAYED = 100
/** Of each contender in one round, for the middle of them. */
const REPORTS = 9
/** Under load before the first of them, so that its code is compiled as in a service that has been up for a while. */
const LOADED_MS = 1_500

export const fanOut: Measure = async (context) => {
  const rows: Row[] = []
  for (const watchers of context.quick ? [1, 100] : [1, 100, 1_000]) {
    context.say(`${watchers} watchers`)
    rows.push(await fanOutTo(watchers, context))
  }
  return rows
}

async function fanOutTo(watchers: number, context: Context): Promise<Row> {
  const { contenders } = context
  const headers = contenders.authorization
  const watching: Watching[] = []
  for (const [name, runtime] of [
    ['exportal', await contenders.exportal()],
    ['plain', await contenders.plain()],
  ] as const) {
    const job = await oneJob(runtime, headers)
    const sockets = await openSockets(wsUrl(runtime, `/api/jobs/${job.id}/ws`), headers, watchers)
    let told = 0
    watching.push(await watched(name, runtime, sockets, () => reportRequest(job, 2 + (told++ % 900) / 10)))
  }
  const name = `fan-out-${crypto.randomUUID()}`
  for (const [who, runtime, request] of [
    ['floor', await contenders.floor(), requestBytes('POST', `/broadcast/${name}`, {}, MESSAGE)],
    ['dutiful', await contenders.dutiful(), dutifulReport(name, contenders.dutifulAuthorization)],
  ] as const) {
    const sockets = await openSockets(wsUrl(runtime, `/ws/${name}?bytes=10`), {}, watchers)
    watching.push(await watched(who, runtime, sockets, () => request))
  }
  const { ms: series = [] } = await takeShortTurns(watching.map(fanOutTurn), {
    rounds: context.rounds,
    times: REPORTS,
    pauseMs: APART_MS / watching.length,
  })
  for (const { connection, sockets } of watching) {
    connection.close()
    for (const socket of sockets) socket.terminate()
  }
  const target = { sense: 'at most', value: 1.3, base: 'floor' } as const
  const measure = `report → last of ${watchers} watchers`
  return { measure, figure: 'p50', unit: 'ms', series, target }
}

function dutifulReport(name: string, headers: Record<string, string>): Buffer {
  return requestBytes('POST', `/dutiful-broadcast/${name}`, headers, REPORT)
}

/** A job, or what stands for it, with its watchers and the connection on which it is reported. */
interface Watching {
  name: string
  sockets: readonly WebSocket[]
  connection: Connection
  request: () => Buffer
}

async function watched(
  name: string,
  runtime: Runtime,
  sockets: readonly WebSocket[],
  request: () => Buffer,
): Promise<Watching> {
  if (sockets.length === 1) {
    await load({ port: runtime.port, connections: 4, ms: LOADED_MS, request, expect: 200 })
  }
  return { name, sockets, connection: await Connection.open(runtime.port), request }
}

/** One report, and when the last of the watchers has heard of it. */
function fanOutTurn({ name, sockets, connection, request }: Watching): Turn {
  const run = async () => {
    const ms = await untilAllHeard(sockets, async () => {
      const answer = await connection.exchange(request())
      if (answer.status !== 200) throw unexpected(answer)
    })
    return { ms }
  }
  return { name, run }
}

/** A watcher that comes back: the gap is replayed, then comes the snapshot. */
export const reconnect: Measure = async (context) => {
  const { contenders } = context
  const headers = contenders.authorization
  const exportal = await contenders.exportal()
  const job = await oneJob(exportal, headers)
  for (let nth = 0; nth < REPLAYED; nth++) {
    const answer = await send(exportal.port, reportRequest(job, 2, `stage ${nth}`))
    if (answer.status !== 200) throw unexpected(answer)
  }
  const address = wsUrl(exportal, `/api/jobs/${job.id}/ws`)
  const { socket, last } = await openSocket(address, headers)
  socket.terminate()
  const { seq }: { seq: number } = JSON.parse(last)
  const floor = await contenders.floor()
  const turns = [
    reconnectTurn('exportal', `${address}?after=${seq - REPLAYED}`, headers, 2),
    reconnectTurn('floor', wsUrl(floor, `/ws/back-${crypto.randomUUID()}?bytes=${last.length}`), {}, 1),
  ]
  const { ms: series = [] } = await takeTurns(turns, context.rounds)
  const target = { sense: 'at most', value: 2, base: 'floor' } as const
  return [{ measure: `reconnect, ${REPLAYED} events replayed`, figure: 'p50', unit: 'ms', series, target }]
}

function reconnectTurn(name: string, url: string, headers: Record<string, string>, messages: number): Turn {
  const run = async () => {
    const times: number[] = []
    for (let nth = 0; nth < 20; nth++) {
      const { socket, ms } = await openSocket(url, headers, messages)
      times.push(ms)
      socket.terminate()
    }
    return { ms: median(times) }
  }
  return { name, run }
}

async function oneJob(runtime: Runtime, headers: Record<string, string>): Promise<RunningJob> {
  const [job] = await runningJobs(runtime, headers, 1)
  if (!job) throw new Error('The job was not created.')
  return job
}

function wsUrl(runtime: Runtime, path: string): string {
  return `ws://127.0.0.1:${runtime.port}${path}`
}
