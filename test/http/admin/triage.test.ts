/**
 * Jobs that need attention, as the list returns them: recorded by actors, found by an index to which healthy jobs add
 * nothing.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { NO_FILTERS } from '../../../src/d1/list-query.ts'
import { triageQuery } from '../../../src/d1/triage-query.ts'
import type { Statistics, TriagePage } from '../../../wire/admin.ts'
import { MINUTE, pass, SECOND } from '../../support/workerd/clock.ts'
import {
  api,
  bodyOf,
  createJob,
  dispatchedJob,
  freshProject,
  pathOf,
  post,
  problemOf,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

const { runs } = useHttpWorld()

const triage = async (query = '', headers: Record<string, string> = {}): Promise<TriagePage> =>
  bodyOf(await api(`/api/admin/jobs${query && `?${query}`}`, { headers }))
const idsOf = ({ jobs }: TriagePage) => jobs.map(({ id }) => id)

/** Rows as their actors would have written them. */
async function insertRows(
  project: number,
  jobs: number,
  over: string,
  status = "'processing'",
): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash,
       created_at, mirrored_at, attention, attention_at)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${jobs - 1})
     SELECT printf('0192f0%02x-0000-7000-8000-%012x', ${project % 256}, i), ${project}, 'overlay', ${status},
       'input/x/Holiday-' || i || '.mp4', '{}', 3, 'hash', 1000 + i, 1000, ${over} FROM n`,
  ).run()
}

describe('the tab of what needs attention', () => {
  it('has a job whose worker fell silent, with why and since when, until it reports again', async () => {
    const project = freshProject()
    const { id, report } = await silentJob(project)
    const page = await triage(`project_id=${project}`)
    expect(page.jobs).toMatchObject([{ id, attention: { reason: 'stalled' }, cost: null }])
    expect(Date.parse(page.jobs[0]?.attention?.since ?? '')).toBeLessThanOrEqual(Date.now())
    const stats: Statistics = await bodyOf(await api('/api/admin/stats'))
    expect(stats.attention.stalled).toBeGreaterThanOrEqual(1)
    await report(40)
    pass(20 * SECOND)
    await ring(id)
    expect(await triage(`project_id=${project}`)).toEqual({ jobs: [], next_cursor: null })
  })

  it('has a row that should have changed, though nobody wrote so', async () => {
    const project = freshProject()
    await insertRows(project, 1, 'NULL, NULL')
    await env.DB.prepare('UPDATE export_jobs SET due_at = ? WHERE project_id = ?')
      .bind(Date.now() - 10 * MINUTE, project)
      .run()
    const { jobs } = await triage(`project_id=${project}`)
    expect(jobs).toMatchObject([{ attention: { reason: 'row_behind' } }])
    expect(idsOf(await triage(`project_id=${project}&reason=stalled`))).toEqual([])
    expect(idsOf(await triage(`project_id=${project}&reason=row_behind`))).toHaveLength(1)
  })

  it('is not a job that is held back, whose row is rewritten seldom', async () => {
    const project = freshProject()
    await insertRows(project, 1, 'NULL, NULL')
    await env.DB.prepare('UPDATE export_jobs SET due_at = ?1, waiting_since = ?1 WHERE project_id = ?2')
      .bind(Date.now() - 10 * MINUTE, project)
      .run()
    expect((await triage(`project_id=${project}`)).jobs).toEqual([])
  })

  it('puts the longest first, and goes on where a page ended', async () => {
    const project = freshProject()
    await insertRows(project, 5, "'stalled', 9000 - i")
    const first = await triage(`project_id=${project}&limit=3`)
    expect(first.jobs.map(({ attention }) => attention?.since)).toEqual(
      [8996, 8997, 8998].map((at) => new Date(at).toISOString()),
    )
    const rest = await triage(`project_id=${project}&limit=3&cursor=${first.next_cursor}`)
    expect([rest.jobs.length, rest.next_cursor]).toEqual([2, null])
    await problemOf(await api(`/api/admin/jobs?tab=all&cursor=${first.next_cursor}`), 400)
  })

  it('is narrowed by birth as the other tabs are, whoever found that a job needs attention', async () => {
    const project = freshProject()
    await insertRows(project, 4, "iif(i < 2, 'stalled', NULL), iif(i < 2, 1, NULL)")
    await env.DB.prepare('UPDATE export_jobs SET due_at = 1 WHERE project_id = ? AND attention IS NULL')
      .bind(project)
      .run()
    const born = async (query: string) =>
      idsOf(await triage(`project_id=${project}&${query}`)).map((id) => Number(id.at(-1)))
    expect(await born('')).toEqual([0, 1, 2, 3])
    expect(await born('created_after=1970-01-01T00:00:01Z')).toEqual([1, 2, 3])
    expect(await born('created_before=1970-01-01T00:00:01.002Z')).toEqual([0, 1])
    expect(await born('created_after=2030-01-01T00:00:00Z')).toEqual([])
  })

  it('finds one among a thousand by its index, and reads none that has ended in health', async () => {
    const project = freshProject()
    const over = "iif(i = 500, 'stalled', NULL), iif(i = 500, 1, NULL)"
    await insertRows(project, 1_000, over, "iif(i = 500, 'processing', 'complete')")
    const { sql, values } = triageQuery(
      '*',
      { ...NO_FILTERS, projectId: project },
      null,
      null,
      51,
      Date.now(),
    )
    const { results, meta } = await env.DB.prepare(sql)
      .bind(...values)
      .all()
    expect(results).toMatchObject([{ attention: 'stalled' }])
    const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...values)
      .all<{ detail: string }>()
    const steps = plan.results.map(({ detail }) => detail).filter((step) => step.includes('export_jobs'))
    expect(steps).toEqual([
      expect.stringContaining('export_jobs_by_attention'),
      expect.stringMatching(/SEARCH .*export_jobs_by_status/),
      expect.stringMatching(/SEARCH .*export_jobs_by_due/),
    ])
    expect(meta.rows_read).toBeLessThan(100)
  })
})

describe('the other tabs', () => {
  it('are stretches of the list, narrowed by name, id, type, tag and id at RunPod', async () => {
    const project = freshProject()
    const { id } = await dispatchedJob(runs, { project_id: project, tags: ['spring'] })
    const other = await createJob({ project_id: project })
    const here = (query: string) => triage(`project_id=${project}&${query}`).then(idsOf)
    expect((await here('tab=all')).sort()).toEqual([id, other.job_id].sort())
    expect(await here('tab=done')).toEqual([])
    expect(await here('tab=all&tag=spring')).toEqual([id])
    expect(await here(`tab=all&id=${id}`)).toEqual([id])
    await insertRows(project, 30, 'NULL, NULL')
    expect(await here('tab=running&name=holiday-17.')).toHaveLength(1)
    await env.DB.prepare("UPDATE export_jobs SET runpod_job_id = 'abc-u1' WHERE id = ?").bind(id).run()
    expect(await here('tab=all&runpod_job_id=abc-u1')).toEqual([id])
  })

  it('show a token that is confined to a project no other, and one for a job nothing', async () => {
    const [mine, theirs] = [freshProject(), freshProject()]
    await insertRows(theirs, 2, "'stalled', 1")
    const headers = bearer(await tokenOf({ projectId: mine }))
    expect(idsOf(await triage('', headers))).toEqual([])
    expect(idsOf(await triage(`project_id=${theirs}`, headers))).toEqual([])
  })
})

/** A running job without reports for longer than its policy allows, which RunPod reports as running. */
async function silentJob(project: number) {
  const { id, run } = await dispatchedJob(runs, { project_id: project })
  const report = async (progress: number) => {
    const headers = { Authorization: `Bearer ${run.input.callback_token}` }
    await bodyOf(await post(`${pathOf(run.input.callback_url)}/progress`, { progress }, headers))
  }
  await report(20)
  const others = globalThis.fetch
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) =>
    String(input).includes('/status/')
      ? Response.json({ id: 'rp', status: 'IN_PROGRESS' })
      : others(input, init),
  )
  pass(MINUTE + SECOND)
  await ring(id)
  // The row is written at most once in fifteen seconds.
  pass(20 * SECOND)
  await ring(id)
  return { id, report }
}
