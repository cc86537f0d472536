/**
 * Many concurrent jobs, each reporting every two seconds: whether every report is counted, and the memory of an actor,
 * active, evicted, and hibernating with a watcher. Scaled to what two cores can run beside the load generator.
 */

import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type WebSocket from 'ws'
import { type RunningJob, reportRequest, runningJobs } from '../contenders.ts'
import { Connection, requestBytes } from '../http/connection.ts'
import { sendAll } from '../http/load.ts'
import { openSockets, watchUrl } from '../http/sockets.ts'
import { type Measure, singleRow } from '../measure.ts'
import type { Runtime } from '../runtime.ts'

const JOBS = 600
const QUICK_JOBS = 200
const EVERY_MS = 2_000
const FOR_MS = 16_000
const CONNECTIONS = 16
/** An actor is evicted after ten seconds without an event; this is somewhat longer. */
const ASLEEP_MS = 13_000

export const scale: Measure = async ({ contenders, quick, say }) => {
  const count = quick ? QUICK_JOBS : JOBS
  const runtime = await contenders.exportal('crowded')
  const headers = contenders.authorization
  await runningJobs(runtime, headers, 20)
  const before = runtime.memoryBytes()
  const jobs = await runningJobs(runtime, headers, count)
  const alive = runtime.memoryBytes()
  say(`${count} jobs report every ${EVERY_MS / 1000} s`)
  const { sent, lateMs } = await reportAll(runtime, jobs, quick ? FOR_MS / 4 : FOR_MS)
  const lost = await lostReports(runtime, headers, jobs, sent)
  const measure = `${count} active jobs`
  const row = (figure: string, unit: string, value: number, most?: number) =>
    singleRow(measure, figure, unit, value, most)
  const each = (bytes: number | null) =>
    bytes === null || before === null ? Number.NaN : (bytes - before) / 1024 / count
  const rows = [
    row(
      'reports counted',
      '',
      sent.reduce((sum, progress) => sum + progress, 0),
    ),
    row('reports lost', '', lost, 0),
    row('a report is late by, p99', 'ms', lateMs),
    row('memory of one that is alive', 'kB', each(alive)),
  ]
  if (quick) return rows
  await pause(ASLEEP_MS)
  const asleep = runtime.memoryBytes()
  const sockets: WebSocket[] = []
  for (const { id } of jobs) {
    sockets.push(...(await openSockets(watchUrl(runtime, id), headers, 1)))
  }
  await pause(ASLEEP_MS)
  const watched = runtime.memoryBytes()
  for (const socket of sockets) socket.terminate()
  return [
    ...rows,
    row('memory of one that sleeps', 'kB', each(asleep)),
    row('memory of one that sleeps with a watcher', 'kB', each(watched)),
  ]
}

/** Every job reports at its own phase. Its nth report has progress n, so the last one shows how many were received. */
async function reportAll(
  runtime: Runtime,
  jobs: readonly RunningJob[],
  ms: number,
): Promise<{ sent: number[]; lateMs: number }> {
  const sent = jobs.map(() => 1)
  const late: number[] = []
  const rounds = Math.floor(ms / EVERY_MS)
  const started = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const connection = await Connection.open(runtime.port)
      for (let mine = next++; mine < rounds * jobs.length; mine = next++) {
        const due = started + (mine * EVERY_MS) / jobs.length
        const wait = due - performance.now()
        if (wait > 0) await pause(wait)
        const index = mine % jobs.length
        const job = jobs[index]
        if (!job) continue
        const progress = (sent[index] ?? 0) + 1
        const answer = await connection.exchange(reportRequest(job, progress))
        if (answer.status === 200) sent[index] = progress
        late.push(performance.now() - due)
      }
      connection.close()
    }),
  )
  late.sort((a, b) => a - b)
  return { sent, lateMs: late[Math.floor(late.length * 0.99)] ?? 0 }
}

/** Jobs that do not show the last progress that was answered by 200. */
async function lostReports(
  runtime: Runtime,
  headers: Record<string, string>,
  jobs: readonly RunningJob[],
  sent: readonly number[],
): Promise<number> {
  const answers = await sendAll(
    runtime.port,
    CONNECTIONS,
    jobs.map(({ id }) => requestBytes('GET', `/api/jobs/${id}`, headers)),
  )
  return answers.filter(({ body }, index) => {
    const { progress }: { progress: number } = JSON.parse(body)
    return progress !== sent[index]
  }).length
}
