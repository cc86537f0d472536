/**
 * Ten thousand frames that no worker sends, on the line of one job: how much more memory does workerd hold, beside what
 * as many silent lines take, and how much longer waits whoever watches another job?
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type WebSocket from 'ws'
import { type RunningJob, runningJobs } from '../contenders.ts'
import { lineUrl, openSockets, openWorkerLine, untilAllHeard, watchUrl } from '../http/sockets.ts'
import { type Measure, singleRow } from '../measure.ts'
import type { Runtime } from '../runtime.ts'
import { median } from '../statistics.ts'

const FRAMES = 10_000
const QUICK_FRAMES = 2_000
/** Progress reaches watchers ten times a second at most. */
const APART_MS = 110
const CALM = 40

export const hostile: Measure = async ({ contenders, quick, say }) => {
  const runtime = await contenders.exportal('attacked')
  const [attacked, other] = await runningJobs(runtime, contenders.authorization, 2)
  if (!attacked || !other) throw new Error('The jobs were not created.')
  const frames = quick ? QUICK_FRAMES : FRAMES
  const line = await openWorkerLine(lineUrl(runtime, other.id), other.worker)
  const watchers = await openSockets(watchUrl(runtime, other.id), contenders.authorization, 1)
  let said = 0
  const report = () =>
    line.send(JSON.stringify({ type: 'progress', n: ++said, progress: said / 50, stage: 'rendering' }))
  await attack(runtime, attacked, frames / 10)
  say(`${frames} hostile frames`)
  const first = runtime.memoryBytes()
  await attack(runtime, attacked, frames, 'silent')
  const before = runtime.memoryBytes()
  const calm = await waitsOf(watchers, report, CALM)
  let isOver = false
  const attacks = attack(runtime, attacked, frames).finally(() => {
    isOver = true
  })
  const meanwhile = await waitsOf(watchers, report, Number.POSITIVE_INFINITY, () => isOver)
  await attacks
  const after = runtime.memoryBytes()
  calm.push(...(await waitsOf(watchers, report, CALM)))
  for (const socket of [line, ...watchers]) socket.terminate()
  const megabytes = (from: number | null, to: number | null) =>
    from === null || to === null ? Number.NaN : (to - from) / 2 ** 20
  const measure = `${frames} hostile frames on the line of another job`
  const row = (figure: string, unit: string, value: number, most: number | null) =>
    singleRow(measure, figure, unit, value, most)
  const lines = megabytes(first, before)
  return [
    row('report → one watcher, p50 in calm', 'ms', median(calm), null),
    row('report → one watcher, p50 meanwhile', 'ms', median(meanwhile), 2 * median(calm)),
    row('memory that as many silent lines take', 'MB', lines, null),
    row('memory beside that', 'MB', megabytes(before, after) - lines, 20),
  ]
}

/** In a process of its own. */
async function attack(runtime: Runtime, job: RunningJob, frames: number, ...how: 'silent'[]): Promise<void> {
  const script = join(import.meta.dirname, '../http/hostile-worker.ts')
  const stdio = ['pipe', 'ignore', 'inherit'] as const
  const worker = spawn(process.execPath, [script, String(frames), ...how], { stdio: [...stdio] })
  worker.stdin?.end(JSON.stringify({ url: lineUrl(runtime, job.id), headers: job.worker }))
  const [code] = await once(worker, 'exit')
  if (code !== 0) throw new Error(`The hostile worker ended with ${code}.`)
}

async function waitsOf(
  watchers: readonly WebSocket[],
  report: () => void,
  most: number,
  isOver = () => false,
): Promise<number[]> {
  const waits: number[] = []
  while (waits.length < most && !isOver()) {
    waits.push(await untilAllHeard(watchers, async () => report()))
    await pause(APART_MS)
  }
  return waits
}
