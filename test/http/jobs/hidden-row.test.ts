/** The row of a deleted job: it stays until the last erase, visible to the sweep only. */
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { sweep } from '../../../src/d1/sweep.ts'
import type { JobPage } from '../../../wire/job.ts'
import { HOUR } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  bodyOf,
  type Created,
  dispatchedJob,
  freshProject,
  jobBody,
  post,
  problemOf,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

const world = useHttpWorld()

/** A deleted job that failed after RunPod had accepted it, so that one of its upload URLs is still valid. */
async function aDeletedJob(over: Record<string, unknown> = {}): Promise<string> {
  const { id, run } = await dispatchedJob(world.runs, over)
  const failed = await post(
    `/api/jobs/${id}/do/error`,
    { error: 'No.', should_retry: false },
    { Authorization: `Bearer ${run.input.callback_token}` },
  )
  expect(failed.status).toBe(200)
  await ring(id)
  expect(await bodyOf(await api(`/api/jobs/${id}`, { method: 'DELETE' }))).toEqual({ success: true })
  return id
}

const rowOf = (id: string) => env.DB.prepare('SELECT * FROM export_jobs WHERE id = ?').bind(id).first()

describe('The row of a deleted job', () => {
  it('is emptied at once, before its actor has erased anything, and due at the last erase', async () => {
    const id = await aDeletedJob({ metadata: { secret: 'yes' }, tags: ['mine'] })
    expect(await rowOf(id)).toMatchObject({
      status: 'deleting',
      params: '{}',
      metadata: '{}',
      tags: '[]',
      input_video_key: '',
      error: null,
      error_code: null,
      finished_at: null,
      due_at: expect.any(Number),
    })
    expect(Number((await rowOf(id))?.due_at)).toBeGreaterThan(Date.now() + HOUR)
  })

  it('is not there for a caller of another project, who changes nothing by deleting it as well', async () => {
    const project_id = freshProject()
    const id = await aDeletedJob({ project_id })
    const before = await rowOf(id)
    const by = async (projectId: number) => ({ headers: bearer(await tokenOf({ projectId })) })
    const foreign = await by(freshProject())
    await problemOf(await api(`/api/jobs/${id}`, { method: 'DELETE', ...foreign }), 404, 'job_not_found')
    const action = { action: 'delete', reason: 'Mine?' }
    await problemOf(
      await post(`/api/admin/jobs/${id}/actions`, action, foreign.headers),
      404,
      'job_not_found',
    )
    expect(await rowOf(id)).toEqual(before)
    const own = await api(`/api/jobs/${id}`, { method: 'DELETE', ...(await by(project_id)) })
    expect(await bodyOf(own)).toEqual({ success: true })
  })

  it('is in no list, no statistic, no count, and opens nothing', async () => {
    const project_id = freshProject()
    const before = await bodyOf<{ ended: object }>(await api('/api/admin/stats'))
    const id = await aDeletedJob({ project_id })
    const lists = ['', `&status=error`, `&error_code=worker_error`, `&q=${id}`, `&id=${id}`]
    for (const filter of lists) {
      const answer = await api(`/api/jobs?project_id=${project_id}${filter}`)
      if (answer.status === 200) expect((await bodyOf<JobPage>(answer)).jobs).toEqual([])
    }
    expect((await bodyOf<{ ended: object }>(await api('/api/admin/stats'))).ended).toEqual(before.ended)
    const limit = { MAX_ACTIVE_JOBS_PER_PROJECT: '1' }
    const one = await apiWith(limit, '/api/jobs', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(jobBody({ project_id })),
    })
    expect(one.status).toBe(201)
    await problemOf(await api(`/api/jobs/${id}`), 404)
    await problemOf(await api(`/api/jobs/${id}/retry`, { method: 'POST' }), 404)
    await problemOf(await api(`/api/admin/jobs/${id}`), 404)
    await problemOf(await api(`/api/admin/jobs/${id}?from=mirror`), 404)
  })

  it('answers a create under its key with 409 and Retry-After, until it has gone', async () => {
    const project_id = freshProject()
    const key = { 'Idempotency-Key': 'again' }
    const body = jobBody({ project_id, input_video_key: 'input/missing/clip.mp4' })
    const { job_id: id } = await bodyOf<Created>(await post('/api/jobs', body, key), 201)
    await ring(id)
    await ring(id)
    await api(`/api/jobs/${id}/cancel`, { method: 'POST' })
    await api(`/api/jobs/${id}`, { method: 'DELETE' })
    const refused = await post('/api/jobs', body, key)
    const seconds = Number(refused.headers.get('Retry-After'))
    await problemOf(refused, 409, 'job_deleting')
    vi.setSystemTime(Date.now() + seconds * 1000 + 1)
    await ring(id)
    await ring(id)
    expect(await rowOf(id)).toBeNull()
    expect((await bodyOf<Created>(await post('/api/jobs', body, key), 201)).job.version).toBe(1)
  })

  it('goes with the sweep when no actor is behind it any more', async () => {
    const id = await aDeletedJob()
    vi.setSystemTime(Date.now() + 30 * HOUR)
    await ring(id)
    await env.DB.prepare(
      `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash,
         created_at, due_at, mirrored_at) VALUES (?, 1, 'overlay', 'deleting', '', '{}', 3, '', 0, 0, 0)`,
    )
      .bind(id)
      .run()
    await sweep(env, Date.now())
    expect(await rowOf(id)).toBeNull()
  })

  it('of a retired job is not kept: nothing of it is left to erase', async () => {
    const { job_id: id } = await bodyOf<Created>(await post('/api/jobs', jobBody()), 201)
    await api(`/api/jobs/${id}/cancel`, { method: 'POST' })
    for (let i = 0; i < 3; i++) {
      vi.setSystemTime(Date.now() + 10 * 24 * HOUR)
      await ring(id)
    }
    expect(await rowOf(id)).toMatchObject({ archived: 1 })
    expect((await api(`/api/jobs/${id}`, { method: 'DELETE' })).status).toBe(200)
    expect(await rowOf(id)).toBeNull()
  })
})
