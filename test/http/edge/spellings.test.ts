/** UUIDs are written in lower case and accepted in either (RFC 9562, 4). */
import { describe, expect, it } from 'vitest'
import { readToken } from '../../../src/auth/access-token.ts'
import type { JobJson } from '../../../wire/job.ts'
import { outcomeOf } from '../../support/workerd/answers.ts'
import { T0 } from '../../support/workerd/clock.ts'
import { api, bodyOf, createJob, post, SECRET, useHttpWorld } from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

useHttpWorld()

describe('A job id in upper case', () => {
  it.each(['', '/events'])('opens the same job: GET /api/jobs/:id%s', async (rest) => {
    const { job_id: id } = await createJob()
    const answer = await api(`/api/jobs/${id.toUpperCase()}${rest}`)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe(await (await api(`/api/jobs/${id}${rest}`)).text())
  })

  it('opens it to operators, to a watcher, to a command, and to a search', async () => {
    const { job_id: id } = await createJob()
    const upper = id.toUpperCase()
    expect(await bodyOf(await api(`/api/admin/jobs/${upper}`))).toMatchObject({ job: { id } })
    expect(await outcomeOf(await api(`/api/jobs/${upper}/ws`, { headers: { Upgrade: 'websocket' } }))).toBe(
      101,
    )
    expect(await bodyOf(await api(`/api/jobs?id=${upper}`))).toMatchObject({ jobs: [{ id }] })
    expect(await bodyOf<JobJson>(await post(`/api/jobs/${upper}/cancel`, {}))).toMatchObject({
      id,
      status: 'cancelled',
    })
  })

  it('is the same job to a token, and in a token', async () => {
    const { job_id: id } = await createJob()
    const minted = await bodyOf<{ token: string; job_id: string }>(
      await post('/api/tokens', { scope: 'jobs:read', job_id: id.toUpperCase() }),
      201,
    )
    expect(minted.job_id).toBe(id)
    expect(await readToken([SECRET], minted.token, T0)).toMatchObject({ ok: true, grant: { jobId: id } })
    const old = bearer(await tokenOf({ scopes: ['jobs:read'], jobId: id.toUpperCase() }))
    expect((await api(`/api/jobs/${id}`, { headers: old })).status).toBe(200)
  })

  it('names the same job of an upload', async () => {
    const { job_id: id } = await createJob()
    const file = { filename: 'logo.png', content_type: 'image/png', size_bytes: 3, project_id: 1 }
    const plan = await bodyOf<{ upload_url: string }>(
      await post('/api/videos/upload-url', { ...file, job_id: id.toUpperCase() }),
    )
    expect(new URL(plan.upload_url).searchParams.get('job')).toBe(id)
  })
})

it('A stream of events may neither be kept nor compressed on its way', async () => {
  const { job_id: id } = await createJob()
  const headers = { Accept: 'text/event-stream' }
  for (const method of ['GET', 'HEAD']) {
    const stream = await api(`/api/jobs/${id}/events`, { method, headers })
    expect(stream.headers.get('Cache-Control')).toBe('no-store, no-transform')
    await stream.body?.cancel()
  }
})
