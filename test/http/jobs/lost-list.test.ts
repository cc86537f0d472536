/** The list is lost while jobs are under way: no file that any of them needs is treated as unused. */
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { WITNESS_KEY } from '../../../src/d1/list-trust.ts'
import { sweep } from '../../../src/d1/sweep.ts'
import { HOUR, MINUTE } from '../../support/workerd/clock.ts'
import {
  api,
  bodyOf,
  type Created,
  freshProject,
  jobBody,
  post,
  type RunBody,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'

const world = useHttpWorld()

const DAY = 24 * HOUR
const STAGES = ['queued', 'running', 'complete', 'failed', 'retired'] as const
type Stage = (typeof STAGES)[number]

interface Made {
  id: string
  stage: Stage
  project: number
  key: string
}

const rowOf = (id: string) => env.DB.prepare('SELECT * FROM export_jobs WHERE id = ?').bind(id).first()

/** All files, since one list takes as long as a look at one of them. */
async function files(): Promise<Set<string>> {
  const { objects, truncated } = await env.VIDEOS.list()
  expect(truncated).toBe(false)
  return new Set(objects.map(({ key }) => key))
}

function report(run: RunBody, path: string, body: object): Promise<Response> {
  return post(`/api/jobs/${run.input.job_id}/do/${path}`, body, {
    Authorization: `Bearer ${run.input.callback_token}`,
  })
}

/** Long retentions, so that ended jobs still need their input after every grace period of the sweep. */
async function make(stage: Stage, project: number, key: string, retentionDays: number): Promise<Made> {
  await env.VIDEOS.put(key, 'video', { customMetadata: { project: String(project) } })
  const policy = {
    queue_timeout_seconds: 172_800,
    execution_timeout_seconds: 345_600,
    deadline_seconds: 1_209_600,
    retention_seconds: retentionDays * 86_400,
    stall_timeout_seconds: 1_200,
  }
  const body = jobBody({ project_id: project, input_video_key: key, policy })
  const { job_id: id } = await bodyOf<Created>(await post('/api/jobs', body), 201)
  await ring(id)
  const run = world.runs.find(({ input }) => input.job_id === id)
  if (!run) throw new Error('RunPod was not asked to run this job.')
  if (stage !== 'queued') await report(run, 'progress', { progress: 10, stage: 'rendering' })
  if (stage === 'complete' || stage === 'retired') {
    await env.VIDEOS.put(run.input.output.video_key, 'result', {
      customMetadata: { project: String(project) },
    })
    await report(run, 'complete', { output_video_key: run.input.output.video_key })
  }
  if (stage === 'failed') await report(run, 'error', { error: 'No.', should_retry: false })
  await ring(id)
  return { id, stage, project, key }
}

/** 20 jobs of three projects; in each project, the complete and the retired one share an input. */
async function twentyJobs(): Promise<Made[]> {
  const projects = [freshProject(), freshProject(), freshProject()]
  const made: Made[] = []
  for (let n = 0; n < 20; n++) {
    const stage = STAGES[n % STAGES.length] ?? 'queued'
    const project = projects[Math.floor(n / STAGES.length) % 3] ?? 1
    const shared = stage === 'complete' || stage === 'retired'
    const key = `input/${project}-${shared ? 'shared' : n}/clip.mp4`
    made.push(await make(stage, project, key, stage === 'retired' ? 1 : 100))
  }
  return made
}

type Row = Record<string, string | number | null>

async function copyOfList(): Promise<Map<string, Row[]>> {
  const copy = new Map<string, Row[]>()
  for (const table of TABLES) {
    const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all<Row>()
    copy.set(table, results)
  }
  return copy
}

async function setBack(copy: Map<string, Row[]>): Promise<void> {
  for (const [table, rows] of copy) {
    await env.DB.prepare(`DELETE FROM ${table}`).run()
    for (const row of rows) {
      const names = Object.keys(row)
      await env.DB.prepare(
        `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      )
        .bind(...Object.values(row))
        .run()
    }
  }
}

const TABLES = ['export_jobs', 'export_job_assets', 'job_uploads', 'sweep_cursors', 'unused_uploads']

/** Sixty days of the cron, of which only some runs are performed. Each due alarm is fired. */
async function sixtyDays(jobs: readonly Made[], check: () => Promise<void>): Promise<void> {
  const start = Date.now()
  for (const day of [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 32, 40, 48, 60]) {
    vi.setSystemTime(start + day * DAY)
    if (day > 0) await seenByCron(Date.now() - 5 * MINUTE)
    await sweep(env, Date.now())
    for (const { id } of jobs) await ring(id)
    vi.setSystemTime(Date.now() + HOUR)
    await sweep(env, Date.now())
    await check()
  }
}

/** Simulates a run of the cron without work. */
async function seenByCron(at: number): Promise<void> {
  await env.DB.prepare("UPDATE export_jobs SET mirrored_at = MAX(mirrored_at, ?) WHERE id = 'sweep'")
    .bind(at)
    .run()
}

describe.each([
  ['wiped', async () => void (await env.DB.prepare('DELETE FROM export_jobs').run())],
  ['set back by three days', null],
] as const)('After the list was %s', (_, wipe) => {
  it('no file that a job needs is gone, nor any of the deployment, and rows come back', async () => {
    const stock = 'input/stock/outro.mp4'
    await env.VIDEOS.put(stock, 'stock')
    await env.VIDEOS.delete(WITNESS_KEY)
    await sweep(env, Date.now())
    await env.DB.prepare("UPDATE export_jobs SET created_at = 0, mirrored_at = ? WHERE id = 'sweep'")
      .bind(Date.now())
      .run()
    const before = wipe ? null : await copyOfList()
    if (before) vi.setSystemTime(Date.now() + 3 * DAY)
    await sweep(env, Date.now())
    const jobs = await twentyJobs()
    // The jobs to be retired are retired.
    const retired = jobs.filter(({ stage }) => stage === 'retired')
    const rest = jobs.filter(({ stage }) => stage !== 'retired')
    if (before) await setBack(before)
    await wipe?.()
    for (const { id } of jobs) expect(await rowOf(id)).toBeNull()

    await sixtyDays(jobs, async () => {
      const there = await files()
      expect(there).toContain(stock)
      expect(rest.filter(({ key }) => !there.has(key))).toEqual([])
    })

    for (const { id, stage } of rest) {
      if (stage === 'complete') {
        expect(await bodyOf(await api(`/api/jobs/${id}`))).toMatchObject({ status: 'complete' })
      }
      const row = await rowOf(id)
      // An unfinished job has changed since; the row of an ended one returns with a command.
      if (stage === 'queued' || stage === 'running') expect(row).toMatchObject({ id, status: 'error' })
      else expect(row).toBeNull()
      if (stage !== 'failed') continue
      expect((await api(`/api/jobs/${id}/retry`, { method: 'POST' })).status).toBe(200)
      vi.setSystemTime(Date.now() + MINUTE)
      await ring(id)
      expect(await rowOf(id)).toMatchObject({ id, round: 2 })
    }
    for (const { id } of retired) expect(await rowOf(id)).toMatchObject({ archived: 1, status: 'complete' })
  }, 120_000)
})
