/** Steady work for the service: uploads, jobs, watchers that come and go, and the deletion of what has ended. */
import {
  createExports,
  ExportalConnectionError,
  ExportalError,
  type ExportsClient,
} from '../../../client/index.ts'
import { pause } from '../chaos/random.ts'

export interface Tally {
  created: number
  complete: number
  deleted: number
  failed: string[]
}

const POLICY = { max_attempts: 5, stall_timeout_seconds: 10, deadline_seconds: 120 }

/** A killed service is back well within this. */
const DOWN_MS = 30_000

/** Begins a job every `spacingMs` until `until` says so; resolves when the last one has been seen to its end. */
export async function steadyLoad(url: string, spacingMs: number, until: () => boolean): Promise<Tally> {
  const client = createExports({ baseUrl: url })
  const tally: Tally = { created: 0, complete: 0, deleted: 0, failed: [] }
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
  // A second watcher that does not stay.
  const passer = client.jobs.watch(job_id)
  passer.done.catch(() => {})
  const job = await client.jobs.waitFor(job_id, { resolveFailed: true, timeoutMs: 120_000 })
  passer.close()
  if (job.status === 'complete') tally.complete += 1
  else tally.failed.push(`${job_id}: ${job.status} ${job.error?.code ?? ''}`)
  await untilAnswered(() => deleted(client, job_id))
  tally.deleted += 1
}

/** Gone is gone: the answer to an earlier try may have been lost with the service. */
async function deleted(client: ExportsClient, jobId: string): Promise<void> {
  try {
    await client.jobs.delete(jobId)
  } catch (error) {
    if (!(error instanceof ExportalError && error.status === 404)) throw error
  }
}

/** Calls again while the service is down, as one that was killed is. */
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
