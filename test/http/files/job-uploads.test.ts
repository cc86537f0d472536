/** Uploads that name a job: it must belong to the same project, and its deletion ends its unfinished uploads. */
import { runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import {
  api,
  apiWith,
  bodyOf,
  createJob,
  freshProject,
  post,
  problemOf,
  retire,
  tablesOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'
import { begin, bytesOf, PART, type Plan, smallPlan } from '../../support/workerd/uploads.ts'

useHttpWorld()

const UNKNOWN = '01920000-0000-7000-8000-000000000000'

async function ask(job_id: string, over: Record<string, unknown> = {}, project: number | null = null) {
  const body = { filename: 'a.mp4', content_type: 'video/mp4', size_bytes: 200_000_000, job_id, ...over }
  return post('/api/videos/upload-url', body, bearer(await tokenOf({ projectId: project })))
}

describe('A job that an upload names', () => {
  it('must be one of the caller’s project: another one’s does not exist, and nothing is noted of it', async () => {
    const [mine, theirs] = [freshProject(), freshProject()]
    const { job_id } = await createJob({ project_id: theirs })
    await problemOf(await ask(job_id, {}, mine), 404, 'job_not_found')
    await problemOf(await ask(UNKNOWN, {}, mine), 404, 'job_not_found')
    expect(await notes(job_id)).toEqual([])
  })

  it('must be of the project that the upload is for, whoever asks', async () => {
    const [one, other] = [freshProject(), freshProject()]
    const { job_id } = await createJob({ project_id: one })
    await problemOf(await ask(job_id, { project_id: other }), 404, 'job_not_found')
    await problemOf(await ask(UNKNOWN), 404, 'job_not_found')
    expect((await ask(job_id, { project_id: one })).status).toBe(200)
    expect((await ask(job_id, {}, one)).status).toBe(200)
  })

  it('gives its project to an upload that names none', async () => {
    const project = freshProject()
    const { job_id } = await createJob({ project_id: project })
    const { upload_url } = await bodyOf<Plan>(await ask(job_id, { size_bytes: 5 }))
    const query = new URL(upload_url ?? '').searchParams
    expect([query.get('project'), query.get('job')]).toEqual([String(project), job_id])
  })

  it('may be retired, and is not there any more while it is being deleted', async () => {
    const project = freshProject()
    const { job_id } = await createJob({ project_id: project })
    await api(`/api/jobs/${job_id}/cancel`, { method: 'POST' })
    const kept = await createJob({ project_id: project })
    await api(`/api/jobs/${kept.job_id}/cancel`, { method: 'POST' })
    await api(`/api/jobs/${job_id}`, { method: 'DELETE' })
    await problemOf(await ask(job_id, {}, project), 404, 'job_not_found')
    await retire(kept.job_id)
    expect((await ask(kept.job_id, {}, project)).status).toBe(200)
  })
})

describe('A job that is deleted', () => {
  it('takes its unfinished uploads with it, and leaves the finished ones alone', async () => {
    const { job_id } = await createJob({ project_id: 7 })
    const open = await begin(await smallPlan(PART + 5, { job_id }))
    await open.send(1, bytesOf(PART))
    const done = await begin(await smallPlan(3, { job_id }))
    await done.complete([await done.send(1, bytesOf(3))])
    expect(await notes(job_id)).toHaveLength(2)
    await api(`/api/jobs/${job_id}/cancel`, { method: 'POST' })
    expect(await bodyOf(await api(`/api/jobs/${job_id}`, { method: 'DELETE' }))).toEqual({ success: true })
    await problemOf(await open.list(), 404, 'upload_not_found')
    await runDurableObjectAlarm(env.UPLOAD.getByName(open.key))
    expect(await tablesOf(env.UPLOAD.getByName(open.key))).toEqual([])
    expect(await env.VIDEOS.head(done.key)).not.toBeNull()
    expect(await notes(job_id)).toEqual([])
  })

  it('ends many of them, a few at once, and one whose actor fails holds up nothing', async () => {
    const { job_id } = await createJob({ project_id: 7 })
    const keys = Array.from({ length: 45 }, (_, index) => `input/many/${index}.mp4`)
    const insert = env.DB.prepare('INSERT INTO job_uploads (job_id, upload_key) VALUES (?, ?)')
    await env.DB.batch(keys.map((key) => insert.bind(job_id, key)))
    await api(`/api/jobs/${job_id}/cancel`, { method: 'POST' })
    const asked: string[] = []
    let [underWay, most] = [0, 0]
    const abandon = async (key: string) => {
      asked.push(key)
      most = Math.max(most, ++underWay)
      await Promise.resolve()
      underWay--
      if (key === keys[3]) throw new Error('The actor is broken')
      return { ok: true }
    }
    const UPLOAD = new Proxy(env.UPLOAD, {
      get: () => (key: string) => ({ abandon: () => abandon(key) }),
    })
    const answer = await apiWith({ UPLOAD }, `/api/jobs/${job_id}`, { method: 'DELETE' })
    expect(await bodyOf(answer)).toEqual({ success: true })
    expect(asked.sort()).toEqual(keys.sort())
    expect(most).toBeLessThanOrEqual(20)
    expect(await notes(job_id)).toEqual([{ upload_key: 'input/many/3.mp4' }])
    await problemOf(await api(`/api/jobs/${job_id}`), 404, 'job_not_found')
  })

  it.each([['that has ended'], ['that was retired']])(
    '%s can be deleted again when its uploads could not be read',
    async (which) => {
      const { job_id } = await createJob({ project_id: 7 })
      await api(`/api/jobs/${job_id}/cancel`, { method: 'POST' })
      if (which === 'that was retired') await retire(job_id)
      const upload = await begin(await smallPlan(PART + 5, { job_id }))
      const DB = new Proxy(env.DB, {
        get(target, name) {
          if (name !== 'prepare') return Reflect.get(target, name)
          return (sql: string) => {
            if (!sql.includes('FROM job_uploads')) return target.prepare(sql)
            return { bind: () => ({ all: () => Promise.reject(new Error('D1 does not answer.')) }) }
          }
        },
      })
      await problemOf(await apiWith({ DB }, `/api/jobs/${job_id}`, { method: 'DELETE' }), 503)
      expect(await bodyOf(await api(`/api/jobs/${job_id}`, { method: 'DELETE' }))).toEqual({ success: true })
      await problemOf(await upload.list(), 404, 'upload_not_found')
      expect(await notes(job_id)).toEqual([])
      await problemOf(await api(`/api/jobs/${job_id}`), 404, 'job_not_found')
    },
  )

  it('has no note of an upload that ended by itself', async () => {
    const { job_id } = await createJob({ project_id: 7 })
    const upload = await begin(await smallPlan(PART + 5, { job_id }))
    expect(await notes(job_id)).toHaveLength(1)
    await upload.abort()
    await runDurableObjectAlarm(env.UPLOAD.getByName(upload.key))
    expect(await notes(job_id)).toEqual([])
  })
})

async function notes(jobId: string): Promise<unknown[]> {
  const { results } = await env.DB.prepare('SELECT upload_key FROM job_uploads WHERE job_id = ?')
    .bind(jobId)
    .all()
  return results
}
