/** A worker stores a poster by the URL in its input, and reports it; the job then has it. */
import { describe, expect, it } from 'vitest'
import type { JobJson } from '../../../wire/job.ts'
import {
  api,
  bodyOf,
  dispatchedJob,
  pathOf,
  post,
  problemOf,
  ring,
  textOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'

const world = useHttpWorld()

const put = (url: string, body: string | Uint8Array<ArrayBuffer>, type = 'image/jpeg') =>
  api(pathOf(url), { method: 'PUT', headers: { 'Content-Type': type }, body })

const jobOf = async (id: string) => bodyOf<JobJson>(await api(`/api/jobs/${id}`))

describe('The poster of a result', () => {
  it('is stored, told of, and shown to whoever reads the job', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const { callback_token: token, output } = run.input
    expect((await put(output.poster_put_url, 'still')).status).toBe(201)
    expect((await put(output.put_url, 'result', 'video/mp4')).status).toBe(201)
    const body = { output_video_key: output.video_key, poster: true, message: 'The sound is left out.' }
    const told = await post(`/api/jobs/${id}/do/complete`, body, { Authorization: `Bearer ${token}` })
    expect(await bodyOf(told)).toEqual({ ok: true, cancel: false })
    expect(await jobOf(id)).toMatchObject({ stage: 'storing', message: 'The sound is left out.' })
    await ring(id)
    const job = await jobOf(id)
    expect(job).toMatchObject({ status: 'complete', message: 'The sound is left out.' })
    const shown = await api(job.poster_url ?? '')
    expect([shown.status, await textOf(shown)]).toEqual([200, 'still'])
    expect(shown.headers.get('Content-Type')).toBe('image/jpeg')
    expect(shown.headers.get('Content-Disposition')).toMatch(/^inline; filename="?clip-overlay.jpg/)
  })

  it('is written once, as a JPEG, and not larger than the URL allows', async () => {
    const { run } = await dispatchedJob(world.runs)
    const { poster_put_url: url } = run.input.output
    await problemOf(await put(url, 'still', 'image/png'), 415, 'type_mismatch')
    await problemOf(await put(url, new Uint8Array(5_000_001)), 413, 'body_too_large')
    await problemOf(await put(url.replace('most=5000000', 'most=9000000'), 'still'), 403, 'signature_invalid')
    expect((await put(url, 'still')).status).toBe(201)
    await problemOf(await put(url, 'another'), 412, 'already_exists')
  })

  it.each([1, 'yes', null, {}])('a completion counts, whatever it says of a poster: %j', async (poster) => {
    const { id, run } = await dispatchedJob(world.runs)
    const body = { output_video_key: run.input.output.video_key, poster, message: 5 }
    const headers = { Authorization: `Bearer ${run.input.callback_token}` }
    expect((await post(`/api/jobs/${id}/do/complete`, body, headers)).status).toBe(200)
    expect(await jobOf(id)).toMatchObject({ stage: 'storing', message: null })
  })
})
