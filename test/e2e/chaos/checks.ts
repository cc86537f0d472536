/** The invariants after the storm, for every job that was answered 201. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { getPlatformProxy } from 'wrangler'
import { posterKeyOf } from '../../../actors/export-job/core/attempts.ts'
import type { Job } from '../../../client/types.ts'
import type { Run, World } from './world.ts'

export interface Findings {
  lost: string[]
  doubleCharged: string[]
  disagreeing: string[]
  orphans: string[]
  leftBehind: string[]
  outcomes: Record<string, number>
}

const ENDED = new Set(['complete', 'error', 'cancelled'])
/** A worker that reports every 300 ms is stopped this soon, unless the service was down. */
const FENCED_WITHIN_MS = 3_000

/** Waits until every job has ended, for at most `withinMs`; returns those read. */
export async function settle(
  world: World,
  ids: readonly string[],
  withinMs: number,
): Promise<Map<string, Job>> {
  const ended = new Map<string, Job>()
  const deadline = Date.now() + withinMs
  while (ended.size < ids.length && Date.now() < deadline) {
    for (const id of ids) {
      if (ended.has(id)) continue
      const job = await world.job(id)
      if (job && ENDED.has(job.status)) ended.set(id, job)
    }
    await world.observe()
    await pause(500)
  }
  return ended
}

/** Waits until no worker runs; the RunPod jobs that still run after `withinMs` are orphans. */
export async function findOrphans(world: World, withinMs: number): Promise<string[]> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const running = (await world.observe()).filter((job) => job.worker_running)
    if (running.length === 0 || Date.now() >= deadline)
      return running.map((job) => `${job.job_id} as ${job.id}`)
    await pause(500)
  }
}

/** Two attempts of one job rendering at once, for longer than it takes to stop the older one. */
export function findDoubleCharges(runs: readonly Run[], downtimes: World['downtimes']): string[] {
  return runs.flatMap((older) =>
    runs.flatMap((newer) => {
      if (older.jobId !== newer.jobId || order(older) >= order(newer)) return []
      const from = Math.max(older.startedAt, newer.startedAt)
      const to = Math.min(older.endedAt ?? Date.now(), newer.endedAt ?? Date.now())
      const excused = downtimes.reduce(
        (sum, down) => sum + Math.max(0, Math.min(to, down.to) - Math.max(from, down.from)),
        0,
      )
      const together = to - from - excused
      return together > FENCED_WITHIN_MS
        ? [`${older.jobId}: attempts ${older.attempt} and ${newer.attempt} for ${together} ms`]
        : []
    }),
  )
}

function order(run: Run): number {
  return run.round * 1_000 + run.attempt
}

/** Differences between the actors' state and D1, once the mirror had `withinMs` to catch up. */
export async function findDisagreements(
  world: World,
  ids: readonly string[],
  withinMs: number,
): Promise<string[]> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const listed = await listAll(world)
    const wrong: string[] = []
    for (const id of ids) {
      const job = await world.job(id)
      const row = listed.get(id)
      if (!job || row?.status !== job.status || row.version !== job.version) {
        wrong.push(`${id}: actor ${job?.status} v${job?.version}, D1 ${row?.status} v${row?.version}`)
      }
    }
    if (wrong.length === 0 || Date.now() >= deadline) return wrong
    await pause(1_000)
  }
}

async function listAll(world: World): Promise<Map<string, Job>> {
  const found = new Map<string, Job>()
  let cursor: string | null = null
  do {
    const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
    const response = await world.call(`/api/jobs?limit=100${query}`)
    if (response?.status !== 200) return found
    const page = (await response.json()) as { jobs: Job[]; next_cursor: string | null }
    for (const job of page.jobs) found.set(job.id, job)
    cursor = page.next_cursor
  } while (cursor)
  return found
}

/**
 * Files under `output/` that are not a result and that no actor will remove. Read from the local bucket after the
 * service was stopped.
 */
export async function findLeftovers(stateDir: string, jobs: Map<string, Job>): Promise<string[]> {
  // The bucket alone: the project's own configuration also names an actor class, which is not exported here.
  const configPath = join(stateDir, 'wrangler.toml')
  await writeFile(configPath, BUCKET_ONLY)
  const platform = await getPlatformProxy<{ VIDEOS: R2Lister }>({
    configPath,
    persist: { path: join(stateDir, 'v3') },
    remoteBindings: false,
  })
  try {
    const { objects } = await platform.env.VIDEOS.list({ prefix: 'output/' })
    return objects.map((object) => object.key).filter((key) => !isAccountedFor(key, jobs))
  } finally {
    await platform.dispose()
  }
}

const BUCKET_ONLY = `
name = "exportal"
compatibility_date = "2026-11-01"
[[r2_buckets]]
binding = "VIDEOS"
bucket_name = "exportal-videos"
`

interface R2Lister {
  list(options: { prefix: string }): Promise<{ objects: { key: string }[] }>
}

function isAccountedFor(key: string, jobs: Map<string, Job>): boolean {
  const job = jobs.get(key.split('/')[1] ?? '')
  if (!job) return false
  const winner = job.output_video_key
  const isKept = winner !== null && (key === winner || key === posterKeyOf(winner))
  return isKept || job.next_action?.what === 'remove stale files of the job'
}
