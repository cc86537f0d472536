/** A steady load on the service: uploads, jobs, watchers that come and go, and the deletion of ended jobs. */

import { setTimeout as pause } from 'node:timers/promises'
import {
  createExports,
  ExportalConnectionError,
  ExportalError,
  type ExportsClient,
  type Job,
} from '../../../client/index.ts'

export interface Tally {
  created: number
  complete: number
  deleted: number
  failed: string[]
  /** The job that took longest, and the lines of its log that explain it. */
  slowest: { id: string; seconds: number; log: string[] }
}

/**
 * While processes are killed every few seconds, a job can lose several attempts in a row, and a minute with each that
 * was killed between calling RunPod and receiving its answer.
 */
const DEADLINE_S = 600
const POLICY = { max_attempts: 10, stall_timeout_seconds: 10, deadline_seconds: DEADLINE_S }
/** Long enough for the deadline itself to end it. */
const PATIENCE_MS = (DEADLINE_S + 60) * 1_000

/** A killed service has restarted well within this. */
const DOWN_MS = 30_000

/** Creates a job every `spacingMs` until `until` returns true; resolves when the last one has ended. */
export async function steadyLoad(url: string, spacingMs: number, until: () => boolean): Promise<Tally> {
  const client = createExports({ baseUrl: url })
  const slowest = { id: '', seconds: 0, log: [] }
  const tally: Tally = { created: 0, complete: 0, deleted: 0, failed: [], slowest }
  const underWay = new Set<Promise<void>>()
  while (!until()) {
    const next = oneExport(client, tally).catch((error: unknown) => {
      tally.failed.push(error instanceof Error ? error.message : String(error))
    })
    underWay.add(next)
    void next.finally(() => underWay.delete(next))
    await pause(spacingMs)
  }
  await Promise.all(underWay)
  return tally
}

async function oneExport(client: ExportsClient, tally: Tally): Promise<void> {
  const file = new Blob([new Uint8Array(100_000)], { type: 'video/mp4' })
  const { video_key } = await untilAnswered(() =>
    client.uploadVideo(file, { filename: 'clip.mp4', projectId: 1 }),
  )
  const wanted = {
    project_id: 1,
    type: 'transcode' as const,
    input_video_key: video_key,
    params: {},
    policy: POLICY,
  }
  const idempotencyKey = crypto.randomUUID()
  const { job_id } = await untilAnswered(() => client.jobs.create(wanted, { idempotencyKey }))
  tally.created += 1
  // A second watcher that disconnects early.
  const passer = client.jobs.watch(job_id)
  passer.done.catch(() => {})
  const job = await client.jobs.waitFor(job_id, { resolveFailed: true, timeoutMs: PATIENCE_MS })
  passer.close()
  const seconds = (Date.parse(job.finished_at ?? job.created_at) - Date.parse(job.created_at)) / 1_000
  if (seconds > tally.slowest.seconds) {
    const log = await untilAnswered(() => logOf(client, job))
    tally.slowest = { id: job_id, seconds, log }
  }
  if (job.status === 'complete') tally.complete += 1
  else tally.failed.push(`${job_id}: ${job.status} ${job.error?.code ?? ''}`)
  await untilAnswered(() => deleted(client, job_id))
  tally.deleted += 1
}

/** Each line with the seconds since the job was created. */
async function logOf(client: ExportsClient, { id, created_at: born }: Job): Promise<string[]> {
  const { events } = await client.jobs.events(id)
  return events.map(({ at, type, data }) => {
    const seconds = (Date.parse(at) - Date.parse(born)) / 1_000
    return `${seconds.toFixed(1)} s ${type} ${JSON.stringify(data)}`
  })
}

/** A missing job counts as deleted: the answer to an earlier try may have been lost with the service. */
async function deleted(client: ExportsClient, jobId: string): Promise<void> {
  try {
    await client.jobs.delete(jobId)
  } catch (error) {
    if (!(error instanceof ExportalError && error.status === 404)) throw error
  }
}

/** Repeats a call while the service is down after a kill. */
async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + DOWN_MS
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof ExportalConnectionError) || Date.now() > deadline) throw error
      await pause(250)
    }
  }
}
