/** Fan-out of one report to 1, 100 and 1,000 watchers, and resuming a watch after a disconnect. */
import type WebSocket from 'ws'
import { type RunningJob, reportRequest, runningJobs } from '../contenders.ts'
import { Connection, requestBytes } from '../http/connection.ts'
import { load, send, unexpected } from '../http/load.ts'
import { openSocket, openSockets, untilAllHeard, watchUrl, wsUrl } from '../http/sockets.ts'
import type { Context, Measure, Row } from '../measure.ts'
import { type Turn, takeShortTurns, takeTurns } from '../rounds.ts'
import type { Served } from '../runtime.ts'
import { median } from '../statistics.ts'

/** Watchers receive progress at most ten times a second: reports this far apart are not delayed. */
const APART_MS = 130
/** About as long as the service's progress message. */
const MESSAGE = 'x'.repeat(150)
const REPORT = { progress: 50, stage: 'rendering', eta_seconds: 60 }
const REPLAYED = 100
/** Reports per contender in one round, of which the median counts. */
const REPORTS = 9
/** Duration of load before the first report, so that the code is compiled as in a running service. */
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
  for (const [name, runtime] of await contenders.withApi()) {
    const job = await oneJob(runtime, headers)
    const sockets = await openSockets(watchUrl(runtime, job.id), headers, watchers)
    let reports = 0
    watching.push(await watched(name, runtime, sockets, () => reportRequest(job, 2 + (reports++ % 900) / 10)))
  }
  const name = `fan-out-${crypto.randomUUID()}`
  for (const [who, runtime, request] of [
    ['floor', await contenders.floor(), requestBytes('POST', `/broadcast/${name}`, {}, MESSAGE)],
    ['dutiful', await contenders.floor('dutiful'), dutifulReport(name, contenders.dutifulAuthorization)],
  ] as const) {
    const sockets = await openSockets(wsUrl(runtime, `/ws/${name}?bytes=10`), {}, watchers)
    watching.push(await watched(who, runtime, sockets, () => request))
  }
  // Opened late, since workerd closes a connection that is idle for seconds.
  const reporting = await Promise.all(
    watching.map(async (each) => ({ ...each, connection: await Connection.open(each.port) })),
  )
  const { ms: series = [] } = await takeShortTurns(reporting.map(fanOutTurn), {
    rounds: context.rounds,
    times: REPORTS,
    pauseMs: APART_MS / watching.length,
  })
  for (const { connection, sockets } of reporting) {
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

/** A job, or its equivalent, with its watchers. */
interface Watching {
  name: string
  port: number
  sockets: readonly WebSocket[]
  request: () => Buffer
}

async function watched(
  name: string,
  runtime: Served,
  sockets: readonly WebSocket[],
  request: () => Buffer,
): Promise<Watching> {
  if (sockets.length === 1) {
    await load({ port: runtime.port, connections: 4, ms: LOADED_MS, request, expect: 200 })
  }
  return { name, port: runtime.port, sockets, request }
}

/** One report, and when the last watcher has received it. */
function fanOutTurn({ name, sockets, connection, request }: Watching & { connection: Connection }): Turn {
  const run = async () => {
    const ms = await untilAllHeard(sockets, async () => {
      const answer = await connection.exchange(request())
      if (answer.status !== 200) throw unexpected(answer)
    })
    return { ms }
  }
  return { name, run }
}

/** A watcher that reconnects: the gap is replayed, then the snapshot follows. */
export const reconnect: Measure = async (context) => {
  const { contenders } = context
  const headers = contenders.authorization
  const exportal = await contenders.exportal()
  const job = await oneJob(exportal, headers)
  for (let nth = 0; nth < REPLAYED; nth++) {
    const answer = await send(exportal.port, reportRequest(job, 2, `stage ${nth}`))
    if (answer.status !== 200) throw unexpected(answer)
  }
  const address = watchUrl(exportal, job.id)
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

async function oneJob(runtime: Served, headers: Record<string, string>): Promise<RunningJob> {
  const [job] = await runningJobs(runtime, headers, 1)
  if (!job) throw new Error('The job was not created.')
  return job
}
