/**
 * Workers on their lines: whether every report is processed, and what one costs, compared with a posted report and with
 * an actor that drops each message. Then the delay until a watcher receives a report, compared with an actor that
 * echoes it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type WebSocket from 'ws'
import { type RunningJob, reportRequest, runningJobs } from '../contenders.ts'
import { requestBytes } from '../http/connection.ts'
import { sendAll } from '../http/load.ts'
import {
  lineUrl,
  openSocket,
  openSockets,
  openWorkerLine,
  untilAllHeard,
  watchUrl,
  wsUrl,
} from '../http/sockets.ts'
import { type Context, loadTurn, type Measure, pick, type Row, singleRow } from '../measure.ts'
import { type Turn, takeShortTurns, takeTurns } from '../rounds.ts'
import type { Runtime } from '../runtime.ts'

const LINES = 600
const QUICK_LINES = 200
const EVERY_MS = 100
/** Number of turns, each as long as several of other measures: a turn must contain several reports of every line. */
const ROUNDS = 7
const SLICES = 6
/** Pause after the last report of a turn, until all are processed. */
const SETTLE_MS = 200
const CONNECTIONS = 16
/** As in the measure of fan-out. */
const APART_MS = 130
const ECHOES = 9

interface Line {
  job: RunningJob
  socket: WebSocket
  /** Number of reports sent on it; the nth has `n` and a progress of n above the first. */
  n: number
}

export const line: Measure = async (context) => {
  const { contenders, quick, say } = context
  const runtime = await contenders.exportal('lined')
  const floor = await contenders.floor('lined-floor')
  const headers = contenders.authorization
  const jobs = await runningJobs(runtime, headers, quick ? QUICK_LINES : LINES)
  const lines: Line[] = []
  for (const job of jobs)
    lines.push({ job, socket: await openWorkerLine(lineUrl(runtime, job.id), job.worker), n: 0 })
  const bare: WebSocket[] = []
  for (const { id } of jobs) bare.push((await openSocket(wsUrl(floor, `/ws/${id}?bytes=1`), {})).socket)
  say(`${lines.length} lines, ${1000 / EVERY_MS} reports a second on each`)
  const rows = [...(await costs(context, runtime, lines, bare)), await lost(runtime, headers, lines)]
  rows.push(await untilWatched(context, runtime, lines, bare))
  for (const socket of [...bare, ...lines.map((each) => each.socket)]) socket.terminate()
  return rows
}

async function costs(
  { contenders, quick, rounds, sliceMs }: Context,
  runtime: Runtime,
  lines: Line[],
  bare: readonly WebSocket[],
): Promise<Row[]> {
  const ms = SLICES * sliceMs
  const text = reportOf(1)
  const turns: Turn[] = [
    sayingTurn('exportal', runtime, ms, lines, (each) => each.socket.send(reportOf(++each.n))),
    sayingTurn('floor', await contenders.floor('lined-floor'), ms, bare, (socket) => socket.send(text)),
    {
      name: 'posted',
      run: async () => {
        const request = (nth: number) => reportRequest(pick(lines, nth).job, 1)
        const { cpu = Number.NaN } = await loadTurn(runtime, {
          connections: CONNECTIONS,
          ms,
          request,
          expect: 200,
        })
        return { cpu }
      },
    },
  ]
  const { cpu = [], late = [] } = await takeTurns(turns, quick ? rounds : ROUNDS)
  const own = cpu.find(({ name }) => name === 'exportal')?.rounds ?? []
  const posted = cpu.find(({ name }) => name === 'posted')?.rounds ?? []
  const measure = `${lines.length} lines, ${1000 / EVERY_MS} reports a second each`
  const share = own.map((value, round) => value / (posted[round] ?? Number.NaN))
  return [
    {
      measure,
      figure: 'cpu',
      unit: 'ms/report',
      series: cpu.filter(({ name }) => name !== 'posted'),
      target: { sense: 'at most', value: 1.5, base: 'floor' },
    },
    {
      measure,
      figure: 'cpu, as a share of a posted report’s',
      unit: '',
      series: [{ name: 'exportal', rounds: share }],
      target: { sense: 'at most', value: 1 / 3, base: null },
    },
    { measure, figure: 'the generator is late by, at most', unit: 'ms', series: late, target: null },
  ]
}

/** Each of `all` sends a message every 100 ms, at its own phase. */
function sayingTurn<T>(
  name: string,
  runtime: Runtime,
  ms: number,
  all: readonly T[],
  say: (one: T) => void,
): Turn {
  const run = async () => {
    const before = runtime.cpuSeconds()
    const started = performance.now()
    const total = Math.floor(ms / EVERY_MS) * all.length
    const apart = EVERY_MS / all.length
    let lateMs = 0
    for (let nth = 0; nth < total; ) {
      const due = Math.min(total, Math.ceil((performance.now() - started) / apart))
      if (due > nth) lateMs = Math.max(lateMs, performance.now() - started - nth * apart)
      for (; nth < due; nth++) say(pick(all, nth))
      await pause(1)
    }
    await pause(SETTLE_MS)
    const after = runtime.cpuSeconds()
    return {
      late: lateMs,
      ...(before !== null && after !== null && { cpu: ((after - before) * 1000) / total }),
    }
  }
  return { name, run }
}

/** Counts the reports that the actors have not processed. */
async function lost(runtime: Runtime, headers: Record<string, string>, lines: readonly Line[]): Promise<Row> {
  const requests = lines.map(({ job }) => requestBytes('GET', `/api/admin/jobs/${job.id}`, headers))
  const answers = await sendAll(runtime.port, CONNECTIONS, requests)
  const taken = answers.map(({ body }) => {
    const { actor }: { actor: { line: { open: { messages: number } | null } } } = JSON.parse(body)
    return actor.line.open?.messages ?? 0
  })
  const missing = lines.reduce((sum, { n }, index) => sum + n - (taken[index] ?? 0), 0)
  const said = lines.reduce((sum, { n }) => sum + n, 0)
  return singleRow(`${said} reports over lines`, 'lost', '', missing, 0)
}

/** The time from a report on the line until its watcher receives it. */
async function untilWatched(
  { contenders, rounds }: Context,
  runtime: Runtime,
  lines: readonly Line[],
  bare: readonly WebSocket[],
): Promise<Row> {
  const own = pick(lines, 0)
  const echo = pick(bare, 0)
  const address = watchUrl(runtime, own.job.id)
  const watchers = await openSockets(address, contenders.authorization, 1)
  const text = `echo ${reportOf(1)}`
  const turns: Turn[] = [
    {
      name: 'exportal',
      run: async () => ({
        ms: await untilAllHeard(watchers, async () => own.socket.send(reportOf(++own.n))),
      }),
    },
    { name: 'floor', run: async () => ({ ms: await untilAllHeard([echo], async () => echo.send(text)) }) },
  ]
  const pauseMs = APART_MS / turns.length
  const { ms: series = [] } = await takeShortTurns(turns, { rounds, times: ECHOES, pauseMs })
  for (const socket of watchers) socket.terminate()
  const target = { sense: 'at most', value: 1.5, base: 'floor' } as const
  return { measure: 'report on a line → one watcher', figure: 'p50', unit: 'ms', series, target }
}

function reportOf(n: number): string {
  const progress = Math.min(98, 2 + n / 20)
  return JSON.stringify({ type: 'progress', n, progress, stage: 'rendering', eta_seconds: 60 })
}
