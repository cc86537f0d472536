/**
 * The Worker with an actor of the previous release, during a deploy: it handles the fields that such an actor omits.
 */
import { env } from 'cloudflare:workers'
import { beforeEach, expect, it } from 'vitest'
import {
  apiWith,
  bodyOf,
  createJob,
  freshProject,
  problemOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

useHttpWorld()

let project = 0
let id = ''
let former: object = {}

beforeEach(async () => {
  project = freshProject()
  const { job_id, job } = await createJob({ project_id: project })
  id = job_id
  const text = JSON.stringify(job)
  const stub = {
    view: async () => ({ found: true, job: text, version: 1, seq: 1 }),
    fetch: (url: string, init: RequestInit) => {
      const asked = new URL(url)
      asked.searchParams.delete('project')
      return env.EXPORT_JOB.getByName(id).fetch(asked.href, init).then(withoutProject)
    },
  }
  former = { EXPORT_JOB: { getByName: () => stub } }
})

function withoutProject({ status, webSocket }: Response): Response {
  return new Response(null, { status, webSocket })
}

const by = async (projectId: number) => bearer(await tokenOf({ projectId }))

it('a job is shown to its own project, and to no other', async () => {
  const own = await apiWith(former, `/api/jobs/${id}`, { headers: await by(project) })
  expect(await bodyOf(own)).toMatchObject({ id, status: 'pending' })
  expect(own.headers.get('ETag')).toMatch(/^W\/"/)
  const foreign = await apiWith(former, `/api/jobs/${id}`, { headers: await by(freshProject()) })
  await problemOf(foreign, 404, 'job_not_found')
})

it('a socket that was not compared with the project is not passed on', async () => {
  const headers = { Upgrade: 'websocket', ...(await by(freshProject())) }
  await problemOf(await apiWith(former, `/api/jobs/${id}/ws`, { headers }), 503, 'job_unavailable')
})

it('a command is refused for now, and not carried out without its project', async () => {
  const request = { method: 'POST', headers: await by(freshProject()) }
  await problemOf(await apiWith(former, `/api/jobs/${id}/cancel`, request), 503, 'job_unavailable')
})
