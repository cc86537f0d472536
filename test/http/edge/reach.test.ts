/** Callers confined to a project or to one job: everything else does not exist for them. */
import { createExecutionContext } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../../actors/shared/settings.ts'
import type { Caller } from '../../../src/auth/access-token.ts'
import { createUploadUrl } from '../../../src/files/upload-url.ts'
import type { ScopedCall } from '../../../src/http/exchange.ts'
import { Problem } from '../../../src/http/problem.ts'
import { cancelJob, deleteJob, retryJob } from '../../../src/jobs/commands.ts'
import { createJob as create } from '../../../src/jobs/create.ts'
import { listJobs } from '../../../src/jobs/list.ts'
import { readJob } from '../../../src/jobs/read.ts'
import { readEvents } from '../../../src/watch/event-page.ts'
import { watchJob } from '../../../src/watch/socket.ts'
import {
  bindings,
  createJob,
  freshProject,
  jobBody,
  ORIGIN,
  post,
  retire,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'

useHttpWorld()

type Handler = (call: ScopedCall) => Promise<Response>

const callerOf = (over: Partial<Caller>): Caller => ({
  subject: 'someone',
  scopes: ['jobs:read', 'jobs:write', 'videos:write'],
  projectId: null,
  jobId: null,
  expiresAt: null,
  by: 'loopback',
  ...over,
})

function call(caller: Caller, path: string, id = '', init: RequestInit = {}): ScopedCall {
  const settings = readSettings(bindings())
  if (!settings.ok) throw new Error('The tests are not configured.')
  const request = new Request(`${ORIGIN}${path}`, init)
  return {
    request,
    env: bindings(),
    ctx: createExecutionContext(),
    url: new URL(request.url),
    requestId: 'r',
    settings: settings.settings,
    notes: { route: null, jobId: null },
    params: { id },
    caller,
  }
}

async function outcome(answer: Promise<Response>): Promise<number> {
  try {
    return (await answer).status
  } catch (error) {
    if (error instanceof Problem) return error.status
    throw error
  }
}

const ON_A_JOB: [string, Handler][] = [
  ['read', readJob],
  ['events', readEvents],
  ['cancel', cancelJob],
  ['retry', retryJob],
  ['delete', deleteJob],
  ['watch', watchJob],
]
const upgrade = { headers: { Upgrade: 'websocket' } }

describe.each(ON_A_JOB)('%s', (_name, handler) => {
  it('finds no job of another project, live or retired', async () => {
    const { job_id } = await createJob({ project_id: freshProject() })
    const stranger = callerOf({ projectId: freshProject() })
    expect(await outcome(handler(call(stranger, '/', job_id, upgrade)))).toBe(404)
    await post(`/api/jobs/${job_id}/cancel`, {})
    await ring(job_id)
    await retire(job_id)
    expect(await outcome(handler(call(stranger, '/', job_id, upgrade)))).toBe(404)
  })

  it('finds no other job than the one it is for', async () => {
    const mine = await createJob()
    const other = await createJob()
    const caller = callerOf({ projectId: 1, jobId: mine.job_id })
    expect(await outcome(handler(call(caller, '/', other.job_id, upgrade)))).toBe(404)
    expect(await outcome(handler(call(caller, '/', mine.job_id, upgrade)))).not.toBe(404)
  })
})

describe('what is new or many', () => {
  const json = (body: unknown) => ({
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  const file = { filename: 'a.mp4', content_type: 'video/mp4', size_bytes: 5 }

  it('a list shows the caller’s project alone', async () => {
    const project = freshProject()
    const { job_id } = await createJob({ project_id: project })
    await createJob({ project_id: freshProject() })
    const caller = callerOf({ projectId: project })
    const { jobs } = await (await listJobs(call(caller, '/api/jobs'))).json<{ jobs: { id: string }[] }>()
    expect(jobs.map(({ id }) => id)).toEqual([job_id])
    const elsewhere = await listJobs(call(caller, `/api/jobs?project_id=${project + 1}`))
    expect(await elsewhere.json()).toEqual({ jobs: [], next_cursor: null })
  })

  it('nothing is made for another project', async () => {
    const caller = callerOf({ projectId: freshProject() })
    expect(await outcome(create(call(caller, '/', '', json(jobBody()))))).toBe(403)
    expect(await outcome(createUploadUrl(call(caller, '/', '', json({ ...file, project_id: 1 }))))).toBe(403)
    const own = await createUploadUrl(call(caller, '/', '', json(file)))
    expect((await own.json<{ upload_url: string }>()).upload_url).toContain(`project=${caller.projectId}`)
  })

  it('a token for one job makes and lists nothing', async () => {
    const { job_id } = await createJob()
    const caller = callerOf({ projectId: 1, jobId: job_id })
    expect(await outcome(create(call(caller, '/', '', json(jobBody()))))).toBe(403)
    expect(await outcome(createUploadUrl(call(caller, '/', '', json(file))))).toBe(403)
    expect(await outcome(listJobs(call(caller, '/api/jobs')))).toBe(403)
  })
})
