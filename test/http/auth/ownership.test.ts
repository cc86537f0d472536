/** No link is signed for a file before its owner was verified, and none opens a file of another project. */
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { signedQuery } from '../../../actors/shared/signing.ts'
import type { JobJson } from '../../../wire/job.ts'
import { HOUR } from '../../support/workerd/clock.ts'
import {
  api,
  bodyOf,
  type Created,
  dispatchedJob,
  downloadOf,
  jobBody,
  pathOf,
  post,
  problemOf,
  ring,
  SECRET,
  textOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

const world = useHttpWorld()

const freshKey = () => `input/${crypto.randomUUID()}/clip.mp4`

async function owned(project: string | null, key = freshKey()): Promise<string> {
  const options = project === null ? {} : { customMetadata: { project } }
  await env.VIDEOS.put(key, `of ${project}`, options)
  return key
}

describe('A job on a file of another project', () => {
  const LINK = /videos\/download\/|[?&]sig=/

  it('never shows a link to it: not when it is made, not after it failed, not in a new round', async () => {
    const theirs = await owned('8')
    const headers = bearer(await tokenOf({ scopes: ['jobs:read', 'jobs:write'], projectId: 9 }))
    const body = jobBody({ project_id: 9, input_video_key: theirs })
    const { job_id: id, job } = await bodyOf<Created>(await post('/api/jobs', body, headers), 201)
    expect(job.input_url).toBeNull()
    const admin = bearer(await tokenOf())
    const shown = async () => {
      const answers = [
        await api(`/api/jobs/${id}`, { headers }),
        await api('/api/jobs', { headers }),
        await api(`/api/jobs/${id}/events`, { headers }),
        await api(`/api/admin/jobs/${id}`, { headers: admin }),
      ]
      return (await Promise.all(answers.map(textOf))).join('\n')
    }
    expect(await shown()).not.toMatch(LINK)
    await ring(id)
    expect(await shown()).toContain('input_not_found')
    expect(await shown()).not.toMatch(LINK)
    await post(`/api/jobs/${id}/retry`, {}, headers)
    expect(await shown()).not.toMatch(LINK)
    await ring(id)
    vi.setSystemTime(Date.now() + 24 * HOUR)
    expect(await shown()).not.toMatch(LINK)
  })

  it('names an asset of another project in vain', async () => {
    const image_key = await owned('8')
    const body = jobBody({
      input_video_key: await owned('1'),
      params: { items: [{ type: 'image', image_key }] },
    })
    const { job_id: id } = await bodyOf<Created>(await post('/api/jobs', body), 201)
    await ring(id)
    expect(world.runs).toEqual([])
    expect(await bodyOf<JobJson>(await api(`/api/jobs/${id}`))).toMatchObject({
      error: { code: 'input_not_found' },
      input_url: null,
    })
  })
})

describe('A link', () => {
  it('names the project of its job, in what is shown and in what the worker is sent', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const { input_url } = await bodyOf<JobJson>(await api(`/api/jobs/${id}`))
    for (const path of [input_url ?? '', pathOf(run.input.input_url)]) {
      expect(new URLSearchParams(path.split('?')[1]).get('project')).toBe('1')
      expect(await textOf(await api(path))).toBe('video')
    }
  })

  it('opens the file no more once that is another project’s, just as if it were not there', async () => {
    const { id } = await dispatchedJob(world.runs)
    const { input_url, input_video_key } = await bodyOf<JobJson>(await api(`/api/jobs/${id}`))
    await owned('8', input_video_key ?? '')
    const { request_id: _, ...foreign } = await problemOf(await api(input_url ?? ''), 404, 'video_not_found')
    await env.VIDEOS.delete(input_video_key ?? '')
    expect(await problemOf(await api(input_url ?? ''), 404)).toMatchObject(foreign)
  })

  it.each(['input', 'output'])('for a key under %s/ opens it to its own project alone', async (prefix) => {
    const key = await owned('8', `${prefix}/${crypto.randomUUID()}/1-1.mp4`)
    expect((await api(downloadOf(key, { project: '8' }), { method: 'HEAD' })).status).toBe(200)
    for (const project of ['9', '', 'null', '-8'])
      await problemOf(await api(downloadOf(key, { project })), 404, 'video_not_found')
  })

  it('opens a file without an owner to every project', async () => {
    expect(await textOf(await api(downloadOf(await owned(null), { project: '9' })))).toBe('of null')
  })

  it('that names no project, as links once were, opens nothing and says that it is over', async () => {
    const key = await owned('8')
    const query = signedQuery(SECRET, 'download', `GET ${key}`, {}, Date.now() + HOUR)
    await problemOf(await api(`/api/videos/download/${key}?${query}`), 403, 'signature_expired')
  })
})

it('A token and a link of one project open the same files', async () => {
  const token = await tokenOf({ scopes: ['jobs:read'], projectId: 9 })
  for (const owner of ['9', '8', null]) {
    const key = await owned(owner)
    const byToken = await api(`/api/videos/download/${key}`, { method: 'HEAD', headers: bearer(token) })
    const byLink = await api(downloadOf(key, { project: '9' }), { method: 'HEAD' })
    expect([owner, byToken.status, byLink.status]).toEqual([
      owner,
      ...(owner === '8' ? [404, 404] : [200, 200]),
    ])
  }
})
