import { describe, expect, it } from 'vitest'
import { act, open } from '../../support/workerd/admin.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import {
  api,
  bodyOf,
  createJob,
  dispatchedJob,
  jobBody,
  post,
  problemOf,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

const { runs } = useHttpWorld()

describe('an action', () => {
  it('is kept in the log with who and why', async () => {
    const { job_id: id } = await createJob()
    const headers = bearer(await tokenOf({ subject: 'ada' }))
    const deadline_at = new Date(T0 + 48 * HOUR).toISOString()
    expect(await bodyOf(await act(id, 'extend_deadline', { deadline_at }, headers))).toMatchObject({
      action: 'extend_deadline',
      job: { id, status: 'pending' },
    })
    const { log } = await open(id)
    expect(log.events.at(-1)).toMatchObject({
      type: 'deadline_extended',
      data: { by: 'ada', reason: 'It hangs.', deadline_at },
    })
  })

  it.each(['retry_now', 'cancel', 'force_fail', 'recheck', 'remirror'])(
    '%s may be sent again',
    async (action) => {
      const { id } = await dispatchedJob(runs)
      const first = await act(id, action)
      const { log } = await open(id)
      expect((await act(id, action)).status).toBe(first.status)
      expect((await open(id)).log.last_seq).toBe(log.last_seq)
    },
  )

  it('sends a webhook again by its id, and refuses what there is none of', async () => {
    const { job_id: id } = await createJob({ webhook_url: 'https://hooks.example.com/in' })
    await problemOf(await act(id, 'redeliver', { delivery_id: 'none' }), 404, 'delivery_not_found')
    await act(id, 'cancel')
    await ring(id)
    const { actor } = await open(id)
    const [settled] = actor.outbox.webhooks_settled
    expect(settled).toMatchObject({ event: 'cancelled' })
    await bodyOf(await act(id, 'redeliver', { delivery_id: settled?.id }))
    const again = await open(id)
    expect(again.actor.outbox.webhooks).toMatchObject([{ id: settled?.id, tries: 0 }])
    expect(again.log.events.at(-1)).toMatchObject({ data: { by: 'development', reason: 'It hangs.' } })
  })

  it('that is refused says why', async () => {
    const { job_id: id } = await createJob()
    const problem = await problemOf(await act(id, 'recheck'), 409, 'nothing_to_ask')
    expect(problem.detail).toContain('RunPod')
    const deadline_at = new Date(T0).toISOString()
    await problemOf(await act(id, 'extend_deadline', { deadline_at }), 409, 'deadline_not_later')
    await problemOf(await act(crypto.randomUUID(), 'cancel'), 404, 'job_not_found')
  })

  it('deletes an ended job and everything of it, and cancels an active one instead', async () => {
    const { job_id: id } = await createJob()
    expect(await bodyOf(await act(id, 'delete'))).toMatchObject({ job: { status: 'cancelled' } })
    expect(await bodyOf(await act(id, 'delete'))).toEqual({ action: 'delete', job: null })
    await problemOf(await api(`/api/admin/jobs/${id}`), 404, 'job_not_found')
    await problemOf(await api(`/api/admin/jobs/${id}?from=mirror`), 404, 'job_not_found')
  })

  it.each([
    ['no reason', { reason: undefined }],
    ['another action', { action: 'explode' }],
    ['an unknown field', { force: true }],
    ['a deadline that is none', { action: 'extend_deadline', deadline_at: 'tomorrow' }],
    ['a deadline with half an offset', { action: 'extend_deadline', deadline_at: '2100-01-03T00:00:00+05' }],
    ['a deadline on no day', { action: 'extend_deadline', deadline_at: '2100-02-30T00:00:00Z' }],
  ])('with %s is refused before the actor is asked', async (_what, over) => {
    const { job_id: id } = await createJob()
    await problemOf(await act(id, 'cancel', over), 400, 'validation_failed')
    expect((await open(id)).job.status).toBe('pending')
  })

  it('is not taken from a page of another origin, unless it carries a token', async () => {
    const { job_id: id } = await createJob()
    for (const headers of [
      { Origin: 'http://localhost:3000' },
      { 'Sec-Fetch-Site': 'same-site' },
      { 'Sec-Fetch-Site': 'cross-site' },
    ]) {
      await problemOf(await act(id, 'cancel', {}, headers), 403, 'cross_origin')
    }
    const headers = { Origin: 'http://localhost:3000', ...bearer(await tokenOf()) }
    await bodyOf(await act(id, 'remirror', {}, headers))
    await bodyOf(await act(id, 'cancel', {}, { Origin: 'http://localhost', 'Sec-Fetch-Site': 'same-origin' }))
  })
})

describe('only an admin', () => {
  it.each([
    ['GET', '/api/admin/stats'],
    ['GET', `/api/admin/jobs/${crypto.randomUUID()}`],
    ['POST', `/api/admin/jobs/${crypto.randomUUID()}/actions`],
  ])('may %s %s', async (method, path) => {
    const headers = bearer(await tokenOf({ scopes: ['jobs:read', 'jobs:write', 'videos:write'] }))
    await problemOf(await api(path, { method, headers }), 403, 'scope_missing')
    await problemOf(await api(`https://exportal.test${path}`, { method }), 401, 'unauthorized')
  })

  it('of the job’s own project may open it and act on it', async () => {
    const { job_id: id } = await bodyOf<{ job_id: string }>(
      await post('/api/jobs', jobBody({ project_id: 7 })),
      201,
    )
    const other = bearer(await tokenOf({ projectId: 8 }))
    await problemOf(await api(`/api/admin/jobs/${id}`, { headers: other }), 404, 'job_not_found')
    await problemOf(await api(`/api/admin/jobs/${id}?from=mirror`, { headers: other }), 404, 'job_not_found')
    await problemOf(await act(id, 'cancel', {}, other), 404, 'job_not_found')
    await problemOf(await api('/api/admin/stats', { headers: other }), 403, 'project_forbidden')
    const own = bearer(await tokenOf({ projectId: 7 }))
    expect((await api(`/api/admin/jobs/${id}`, { headers: own })).status).toBe(200)
  })
})
