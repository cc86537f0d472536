import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { JobStore } from '../../../actors/export-job/store.ts'
import { outcomeOf } from '../../support/workerd/answers.ts'
import { api, createJob, post, problemOf, useHttpWorld } from '../../support/workerd/http.ts'
import { secret } from '../../support/workerd/secret-scan.ts'
import { forge, tokenOf } from '../../support/workerd/tokens.ts'

useHttpWorld()

interface Seen {
  messages: { type: string; seq?: number; job?: { id: string; status: string; archived?: boolean } }[]
  closed: Promise<{ code: number; reason: string }>
  socket: WebSocket
}

async function watch(path: string, headers: Record<string, string> = {}): Promise<Seen> {
  const response = await api(path, { headers: { Upgrade: 'websocket', ...headers } })
  expect(response.status).toBe(101)
  const socket = response.webSocket
  if (!socket) throw new Error('There is no socket.')
  const messages: Seen['messages'] = []
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.addEventListener('message', ({ data }) => {
      messages.push(JSON.parse(String(data)))
    })
    socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }))
  })
  socket.accept()
  return { messages, closed, socket }
}

const UNKNOWN = '0192f000-0000-7000-8000-000000000000'

describe('GET /api/jobs/:id/ws', () => {
  it('shows the job, its changes, and closes after the last', async () => {
    const { job_id, websocket_url } = await createJob()
    const { messages, closed } = await watch(websocket_url)
    await post(`/api/jobs/${job_id}/cancel`, {})
    expect(await closed).toMatchObject({ code: 1000 })
    expect(messages[0]).toMatchObject({ type: 'snapshot', seq: 1, job: { id: job_id, status: 'pending' } })
    expect(messages.at(-1)).toMatchObject({ type: 'event', job: { status: 'cancelled' } })
  })

  it('replays what was missed', async () => {
    const { job_id } = await createJob()
    await post(`/api/jobs/${job_id}/cancel`, {})
    const { messages, closed } = await watch(`/api/jobs/${job_id}/ws?after=1`)
    expect(await closed).toMatchObject({ code: 1000 })
    expect(messages.map(({ type }) => type)).toEqual(['replay', 'snapshot'])
  })

  it('shows a retired job once', async () => {
    const { job_id } = await createJob()
    await env.DB.prepare(
      `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash,
         created_at, mirrored_at, archived)
       SELECT ?, 1, type, 'complete', input_video_key, params, 3, '', created_at, created_at, 1
       FROM export_jobs WHERE id = ?`,
    )
      .bind(UNKNOWN, job_id)
      .run()
    const { messages, closed } = await watch(`/api/jobs/${UNKNOWN}/ws`)
    expect(await closed).toMatchObject({ code: 1000 })
    expect(messages).toMatchObject([{ type: 'snapshot', job: { id: UNKNOWN, archived: true }, end: true }])
    await env.DB.prepare('DELETE FROM export_jobs WHERE id = ?').bind(UNKNOWN).run()
  })

  it.each([`/api/jobs/${UNKNOWN}/ws`, '/api/jobs/x/ws'])('closes %s with 4404', async (path) => {
    const { closed, messages } = await watch(path)
    expect(await closed).toMatchObject({ code: 4404 })
    expect(messages).toEqual([])
  })

  it('closes with 4401 where a request would be answered 401', async () => {
    const { job_id } = await createJob()
    const stranger = await watch(`/api/jobs/${job_id}/ws`, { Origin: 'https://evil.test' })
    expect(await stranger.closed).toMatchObject({ code: 4401 })
    const token = await watch(`/api/jobs/${job_id}/ws?token=forged`)
    expect(await token.closed).toMatchObject({ code: 4401 })
  })

  it('closes with 4403 where the token may do other things only, and wakes nobody for any refusal', async () => {
    const { job_id } = await createJob()
    await evictDurableObject(env.EXPORT_JOB.getByName(job_id))
    const born = vi.spyOn(JobStore.prototype, 'load')
    const uploader = await tokenOf({ scopes: ['videos:write'] })
    const closes = await Promise.all(
      [uploader, 'forged', await forge({ claims: { exp: 1 } })].map(
        async (token) => (await (await watch(`/api/jobs/${job_id}/ws?token=${token}`)).closed).code,
      ),
    )
    expect(closes).toEqual([4403, 4401, 4401])
    expect(born).not.toHaveBeenCalled()
    await (
      await watch(`/api/jobs/${job_id}/ws?token=${await tokenOf({ scopes: ['jobs:read'] })}`)
    ).socket.close()
    expect(born).toHaveBeenCalledOnce()
  })

  it('takes the token as an offered subprotocol, and selects the one that is none', async () => {
    const { job_id } = await createJob()
    const dial = async (offered: string, query = '') =>
      api(`https://exportal.test/api/jobs/${job_id}/ws${query}`, {
        headers: { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': offered },
      })
    const token = await tokenOf({ scopes: ['jobs:read'] })
    secret(token)
    const opened = await dial(`exportal.v1, exportal.bearer.${token}`)
    expect([opened.status, opened.headers.get('Sec-WebSocket-Protocol')]).toEqual([101, 'exportal.v1'])
    expect(await outcomeOf(opened)).toBe(101)
    // A browser can only read the reason of a refusal on a socket with an offered subprotocol.
    const refused = await dial('exportal.v1, exportal.bearer.forged')
    expect(refused.headers.get('Sec-WebSocket-Protocol')).toBe('exportal.v1')
    expect(await outcomeOf(refused)).toBe(4401)
    expect(await outcomeOf(await dial('exportal.v1'))).toBe(4401)
    expect((await dial('other')).headers.get('Sec-WebSocket-Protocol')).toBeNull()
    await problemOf(
      await dial(`exportal.v1, exportal.bearer.${token}`, `?token=${token}`),
      400,
      'token_misplaced',
    )
    const plain = await api(`https://exportal.test/api/jobs/${job_id}`, {
      headers: { 'Sec-WebSocket-Protocol': `exportal.bearer.${token}` },
    })
    await problemOf(plain, 401, 'unauthorized')
  })

  it('answers 426 to a request that is no upgrade', async () => {
    const { job_id } = await createJob()
    const response = await api(`/api/jobs/${job_id}/ws`)
    expect(response.headers.get('Upgrade')).toBe('websocket')
    await problemOf(response, 426, 'upgrade_required')
  })

  it.each(['-1', 'x', '1.5', ''])('refuses ?after=%s', async (after) => {
    const { job_id } = await createJob()
    const init = { headers: { Upgrade: 'websocket' } }
    const problem = await problemOf(await api(`/api/jobs/${job_id}/ws?after=${after}`, init), 400)
    expect(problem.errors?.[0]?.pointer).toBe('/query/after')
  })
})
