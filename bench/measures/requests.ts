/** Create, report and get: requests per second of a closed loop, compared with the floor and the peer. */

import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import {
  exportRequest,
  FLOOR_STATE,
  floorJobs,
  inputOf,
  reportRequest,
  runningJobs,
  runsOf,
} from '../contenders.ts'
import { requestBytes } from '../http/connection.ts'
import { type Context, loadRows, loadTurn, type Measure, pick, type Target } from '../measure.ts'
import { type Turn, takeTurns } from '../rounds.ts'
import type { Served } from '../runtime.ts'

const CONNECTIONS = 16
const JOBS = 32
/** Videos shared by the jobs that are created. */
const INPUTS = 100
const HELD = 'create, dispatch held back'
const DISPATCHED = 'create, dispatched to an instant RunPod'
const POLL_MS = 10
const GIVE_UP_MS = 60_000

function atLeast(value: number): Target {
  return { sense: 'at least', value, base: 'floor' }
}

function turn(
  context: Context,
  runtime: Served,
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
  const held = await contenders.held()
  const redis = await contenders.redis()
  const floor = await contenders.floor()
  let made = 0
  const at =
    (path: string, headers = contenders.authorization) =>
    () =>
      requestBytes('POST', path, headers, exportRequest(made++ % INPUTS))
  const atFloor = (verb: string) => () =>
    requestBytes('POST', `/${verb}/floor-${made++}`, {}, verb === 'create' ? FLOOR_STATE : exportRequest(0))
  const later = [
    turn(context, held, 'exportal', 201, at('/api/jobs')),
    turn(context, floor, 'floor', 201, atFloor('create')),
    ...redis.map(([name, served]) => turn(context, served, name, 201, at('/api/jobs?delay_ms=3600000'))),
  ]
  context.say(HELD)
  const rows = loadRows(HELD, await takeTurns(later, rounds), atLeast(0.6))
  await settle(held)

  const atOnce: Turn[] = []
  for (const [name, served] of await contenders.withApi()) {
    await served.storeVideos(
      Array.from({ length: INPUTS }, (_, nth) => inputOf(nth)),
      'video',
    )
    atOnce.push(dispatched(served, turn(context, served, name, 201, at('/api/jobs')), () => made))
  }
  atOnce.push(dispatched(floor, turn(context, floor, 'floor', 201, atFloor('start')), () => made))
  context.say(DISPATCHED)
  return [...rows, ...loadRows(DISPATCHED, await takeTurns(atOnce, rounds), atLeast(0.5))]
}

/**
 * The same until all created jobs were sent to RunPod, including its CPU time: a contender that answers before that
 * must not leave work to the next one's turn.
 */
function dispatched(served: Served, { name, run }: Turn, made: () => number): Turn {
  return {
    name,
    run: async (warm) => {
      await runsOf(served)
      const [before, started, cpuBefore] = [made(), performance.now(), served.cpuSeconds()]
      const figures = await run(warm)
      const count = made() - before
      for (let asked = 0; asked < count; await pause(POLL_MS)) {
        asked += (await runsOf(served)).length
        if (performance.now() - started > GIVE_UP_MS)
          throw new Error(`${name} dispatched ${asked} of ${count}.`)
      }
      const seconds = (performance.now() - started) / 1000
      const cpuAfter = served.cpuSeconds()
      return {
        ...figures,
        ...(cpuBefore !== null && cpuAfter !== null && { cpu: ((cpuAfter - cpuBefore) * 1000) / count }),
        'dispatched/s': count / seconds,
      }
    },
  }
}

/** Waits for the alarms of created jobs, which continue after the load, so that they do not affect the next measure. */
async function settle(served: Served): Promise<void> {
  const quiet = 0.05
  for (let waited = 0; waited < 60; waited++) {
    const before = served.cpuSeconds()
    await pause(500)
    const after = served.cpuSeconds()
    if (before === null || after === null || after - before < quiet) return
  }
}

export const report: Measure = async (context) => {
  const { contenders, rounds } = context
  const turns: Turn[] = []
  for (const [name, runtime] of await contenders.withApi()) {
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
  for (const [name, runtime] of await contenders.withApi()) {
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
