/** Create, report and get: requests a second of one closed loop, against the floor and the peer. */
import { exportRequest, FLOOR_STATE, floorJobs, reportRequest, runningJobs } from '../contenders.ts'
import { requestBytes } from '../http/connection.ts'
import { type Context, loadRows, loadTurn, type Measure, type Row, type Target } from '../measure.ts'
import { type Turn, takeTurns } from '../rounds.ts'
import type { Runtime } from '../runtime.ts'

const CONNECTIONS = 16
const JOBS = 32

function atLeast(value: number): Target {
  return { sense: 'at least', value, base: 'floor' }
}

function turn(
  context: Context,
  runtime: Runtime,
  name: string,
  expect: number,
  request: (nth: number) => Buffer,
): Turn {
  const run = (warm: boolean) =>
    loadTurn(runtime, {
      connections: CONNECTIONS,
      ms: warm ? context.sliceMs / 2 : context.sliceMs,
      request,
      expect,
    })
  return { name, run }
}

export const create: Measure = async (context) => {
  const { contenders, rounds } = context
  let made = 0
  const headers = contenders.authorization
  const post = () => requestBytes('POST', '/api/jobs', headers, exportRequest(made++))
  const atFloor = () => requestBytes('POST', `/create/floor-${made++}`, {}, FLOOR_STATE)
  const floor = turn(context, await contenders.floor(), 'floor', 201, atFloor)
  const rows: Row[] = []
  for (const [name, runtime, target] of [
    ['create, dispatch held back', await contenders.held(), 0.6],
    ['create, dispatched to an instant RunPod', await contenders.exportal(), 0.3],
  ] as const) {
    context.say(name)
    const turns = [turn(context, runtime, 'exportal', 201, post), floor]
    if (target === 0.3) turns.push(turn(context, await contenders.plain(), 'plain', 201, post))
    rows.push(...loadRows(name, await takeTurns(turns, rounds), atLeast(target)))
    await settle(runtime)
  }
  return rows
}

/** Alarms of the jobs that were created go on after the load; what comes next must not be measured together with them. */
async function settle(runtime: Runtime): Promise<void> {
  const quiet = 0.05
  for (let waited = 0; waited < 60; waited++) {
    const before = runtime.cpuSeconds()
    await new Promise((resolve) => setTimeout(resolve, 500))
    const after = runtime.cpuSeconds()
    if (before === null || after === null || after - before < quiet) return
  }
}

export const report: Measure = async (context) => {
  const { contenders, rounds } = context
  const turns: Turn[] = []
  for (const [name, runtime] of [
    ['exportal', await contenders.exportal()],
    ['plain', await contenders.plain()],
  ] as const) {
    const jobs = await runningJobs(runtime, contenders.authorization, JOBS)
    const request = (nth: number) => reportRequest(pick(jobs, nth), 1 + ((nth / 1000) % 98))
    turns.push(turn(context, runtime, name, 200, request))
  }
  const { floor, dutiful, names } = await floorJobs(contenders, JOBS)
  const body = { progress: 50, stage: 'rendering', eta_seconds: 60 }
  turns.push(
    turn(context, floor, 'floor', 200, (nth) =>
      requestBytes('POST', `/report/${pick(names, nth)}`, {}, FLOOR_STATE),
    ),
    turn(context, dutiful, 'dutiful', 200, (nth) =>
      requestBytes('POST', `/dutiful-report/${pick(names, nth)}`, contenders.dutifulAuthorization, body),
    ),
  )
  return loadRows('progress report', await takeTurns(turns, rounds), atLeast(0.9))
}

export const get: Measure = async (context) => {
  const { contenders, rounds } = context
  const turns: Turn[] = []
  for (const [name, runtime] of [
    ['exportal', await contenders.exportal()],
    ['plain', await contenders.plain()],
  ] as const) {
    const headers = contenders.authorization
    const jobs = await runningJobs(runtime, headers, JOBS)
    const request = (nth: number) => requestBytes('GET', `/api/jobs/${pick(jobs, nth).id}`, headers)
    turns.push(turn(context, runtime, name, 200, request))
  }
  const { floor, dutiful, names } = await floorJobs(contenders, JOBS)
  const at =
    (verb: string, headers: Record<string, string> = {}) =>
    (nth: number) =>
      requestBytes('GET', `/${verb}/${pick(names, nth)}`, headers)
  turns.push(turn(context, floor, 'floor', 200, at('job')))
  turns.push(turn(context, dutiful, 'dutiful', 200, at('dutiful-job', contenders.dutifulAuthorization)))
  return loadRows('get job', await takeTurns(turns, rounds), atLeast(0.8))
}

function pick<T>(all: readonly T[], nth: number): T {
  const one = all[nth % all.length]
  if (one === undefined) throw new Error('There is nothing to pick from.')
  return one
}
