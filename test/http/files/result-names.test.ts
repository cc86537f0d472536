/** The file name of a download: its own, or for a result one built from its source and its type. */

import { env } from 'cloudflare:workers'
import { parse } from 'content-disposition'
import { describe, expect, it } from 'vitest'
import type { JobJson } from '../../../wire/job.ts'
import {
  api,
  apiWith,
  bodyOf,
  createJob,
  downloadOf,
  freshProject,
  pathOf,
  post,
  ring,
  textOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

const world = useHttpWorld()

const nameOf = (response: Response) =>
  parse(response.headers.get('Content-Disposition') ?? '').parameters.filename

/** A complete job with a source of this name. */
async function exported(name: string, over: Record<string, unknown> = {}): Promise<JobJson> {
  const input_video_key = `input/${crypto.randomUUID()}/${name}`
  await env.VIDEOS.put(input_video_key, 'video')
  const { job_id: id } = await createJob({ input_video_key, ...over })
  await ring(id)
  const run = world.runs.find(({ input }) => input.job_id === id)
  if (!run) throw new Error('RunPod was not asked to run this job.')
  const { put_url, content_type } = { content_type: 'video/mp4', ...run.input.output }
  const headers = { 'Content-Type': content_type, 'Content-Length': '6' }
  await bodyOf(await api(pathOf(put_url), { method: 'PUT', body: 'result', headers }), 201)
  const token = { Authorization: `Bearer ${run.input.callback_token}` }
  await post(
    `${pathOf(run.input.callback_url)}/complete`,
    { output_video_key: run.input.output.video_key },
    token,
  )
  await ring(id)
  return bodyOf<JobJson>(await api(`/api/jobs/${id}`))
}

describe('A result', () => {
  it.each([
    ['holiday.mov', 'holiday-overlay.mp4'],
    ['🎬 "final" 100%.mp4', '🎬 "final" 100%-overlay.mp4'],
    ["a;b=c'd.mp4", "a;b=c'd-overlay.mp4"],
    ['סרט.mp4', 'סרט-overlay.mp4'],
    ['...', 'video-overlay.mp4'],
    [`${'x'.repeat(300)}.mp4`, `${'x'.repeat(60)}-overlay.mp4`],
    ['a\u202egpj.mp4', 'agpj-overlay.mp4'],
  ])('of %s is saved as %s', async (source, name) => {
    const { output_url } = await exported(source)
    const response = await api(output_url ?? '')
    expect(nameOf(response)).toBe(name)
    expect(await textOf(response)).toBe('result')
    expect(nameOf(await api(`${output_url}&inline=1`, { method: 'HEAD' }))).toBe(name)
    expect(nameOf(await api(output_url ?? '', { method: 'HEAD', headers: { Range: 'bytes=0-1' } }))).toBe(
      name,
    )
  })

  it('is named by its type and container', async () => {
    const params = { start_seconds: 0, end_seconds: 1, output: { container: 'webm' } }
    const job = await exported('talk.mp4', { type: 'trim', params })
    expect(nameOf(await api(job.output_url ?? '', { method: 'HEAD' }))).toBe('talk-trim.webm')
  })

  it('has the same name for who comes with a token', async () => {
    const project_id = freshProject()
    const { id, output_video_key } = await exported('holiday.mov', { project_id })
    const path = `/api/videos/download/${output_video_key}`
    for (const grant of [{ projectId: project_id }, { projectId: project_id, jobId: id }, {}]) {
      const headers = bearer(await tokenOf({ scopes: ['jobs:read'], ...grant }))
      expect(nameOf(await api(path, { method: 'HEAD', headers }))).toBe('holiday-overlay.mp4')
    }
  })

  it('is served under the name of its key while the list is out of reach', async () => {
    const { output_video_key } = await exported('holiday.mov')
    const DB = new Proxy(env.DB, {
      get: () => () => {
        throw new Error('D1_ERROR: internal error')
      },
    })
    const response = await apiWith({ DB }, `/api/videos/download/${output_video_key}`)
    expect([response.status, nameOf(response)]).toEqual([200, '1-1.mp4'])
    await response.body?.cancel()
  })
})

it('A source is saved under its own name, without characters that turn the direction of writing', async () => {
  for (const name of ['a\u202egpj.mp4', 'a\u2066gpj.mp4', 'a\u200fgpj.mp4']) {
    const key = `input/${crypto.randomUUID()}/${name}`
    await env.VIDEOS.put(key, 'video')
    expect(nameOf(await api(downloadOf(key), { method: 'HEAD' }))).toBe('agpj.mp4')
  }
})
