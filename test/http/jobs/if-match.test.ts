import { describe, expect, it, vi } from 'vitest'
import { ExportJob } from '../../../actors/export-job/export-job.ts'
import { HOUR } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  bindings,
  bodyOf,
  createJob,
  dispatchedJob,
  problemOf,
  retire,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'

const world = useHttpWorld()

async function cancelled(): Promise<string> {
  const { job_id: id } = await createJob()
  await api(`/api/jobs/${id}/cancel`, { method: 'POST' })
  await ring(id)
  return id
}

const tagOf = async (id: string) => (await api(`/api/jobs/${id}`)).headers.get('ETag') ?? ''
const given = (tag: string) => ({ headers: { 'If-Match': tag } })

describe.each([
  ['POST', '/retry'],
  ['DELETE', ''],
])('%s …%s with If-Match', (method, rest) => {
  const send = (id: string, tag: string) => api(`/api/jobs/${id}${rest}`, { method, ...given(tag) })

  it('is carried out on the job that was read', async () => {
    const id = await cancelled()
    expect((await send(id, await tagOf(id))).status).toBe(200)
  })

  it('is carried out on the job that was read before its links were renewed', async () => {
    const { id } = await dispatchedJob(world.runs)
    await api(`/api/jobs/${id}/cancel`, { method: 'POST' })
    await ring(id)
    const read = await tagOf(id)
    vi.setSystemTime(Date.now() + HOUR)
    expect(await tagOf(id)).not.toBe(read)
    expect((await send(id, read)).status).toBe(200)
  })

  it('is carried out once where the platform loses the actor’s answer, and its success is told', async () => {
    const id = await cancelled()
    const tag = await tagOf(id)
    let calls = 0
    const getByName = (name: string) => ({
      command: async (...given: Parameters<ExportJob['command']>) => {
        const answer = await bindings()
          .EXPORT_JOB.getByName(name)
          .command(...given)
        if (++calls === 1) throw Object.assign(new Error('Network connection lost.'), { retryable: true })
        return answer
      },
    })
    const env = { EXPORT_JOB: { getByName } as never }
    expect((await apiWith(env, `/api/jobs/${id}${rest}`, { method, ...given(tag) })).status).toBe(200)
    expect(calls).toBe(2)
    if (method === 'POST') expect(await bodyOf(await api(`/api/jobs/${id}`))).toMatchObject({ round: 2 })
    await problemOf(await send(id, tag), method === 'POST' ? 412 : 404)
  })

  it('takes one tag of several, without its W/ as well, and any', async () => {
    const id = await cancelled()
    expect((await send(id, `"x", ${(await tagOf(id)).replace('W/', '')}`)).status).toBe(200)
    expect((await send(await cancelled(), '*')).status).toBe(200)
  })

  it.each(['"x"', 'W/"x"', 'nonsense'])('is refused for %j, and changes nothing', async (tag) => {
    const id = await cancelled()
    const before = await tagOf(id)
    await problemOf(await send(id, tag), 412, 'precondition_failed')
    expect(await tagOf(id)).toBe(before)
  })

  it('is refused for a job that has changed since, and for one that there is not', async () => {
    const id = await cancelled()
    const before = await tagOf(id)
    await api(`/api/jobs/${id}/retry`, { method: 'POST' })
    await problemOf(await send(id, before), 412, 'precondition_failed')
    await problemOf(await send('0192f000-0000-7000-8000-000000000000', '*'), 404, 'job_not_found')
  })

  it('is decided by the actor, which is called once', async () => {
    const id = await cancelled()
    const before = await tagOf(id)
    const calls = vi.spyOn(ExportJob.prototype, 'command')
    const views = vi.spyOn(ExportJob.prototype, 'view')
    await problemOf(await send(id, '"x"'), 412, 'precondition_failed')
    expect([calls.mock.calls.length, views.mock.calls.length]).toEqual([1, 0])
    expect(await tagOf(id)).toBe(before)
  })
})

it('a retired job is deleted by its tag as well', async () => {
  const id = await cancelled()
  await retire(id)
  await problemOf(await api(`/api/jobs/${id}`, { method: 'DELETE', ...given('"x"') }), 412)
  expect((await api(`/api/jobs/${id}`, { method: 'DELETE', ...given(await tagOf(id)) })).status).toBe(200)
})
