import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import type { JobJson } from '../../actors/export-job/rpc.ts'
import { callbackToken } from '../../actors/signing.ts'
import {
  api,
  apiWith,
  bodyOf,
  createJob,
  dispatchedJob,
  HOUR,
  post,
  problemOf,
  SECRET,
  T0,
  tablesOf,
  useHttpWorld,
} from '../support/workerd/http.ts'

const world = useHttpWorld()

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })
const jobOf = async (id: string) => bodyOf<JobJson>(await api(`/api/jobs/${id}`))

async function reporter() {
  const { id, run } = await dispatchedJob(world.runs)
  const { callback_token: token, output } = run.input
  const report = (kind: string, body: unknown) => post(`/api/jobs/${id}/do/${kind}`, body, bearer(token))
  return { id, token, key: output.video_key, report }
}

describe('POST /api/jobs/:id/do/…', () => {
  it('progress moves the job on', async () => {
    const { id, report } = await reporter()
    const body = {
      progress: 42.5,
      stage: 'rendering',
      message: 'Frame 10',
      eta_seconds: 31,
      extra: 'ignored',
    }
    expect(await bodyOf(await report('progress', body))).toEqual({ ok: true, cancel: false })
    const job = await jobOf(id)
    expect(job).toMatchObject({ status: 'processing', progress: 42.5, stage: 'rendering', eta_seconds: 31 })
    expect(job.message).toBe('Frame 10')
  })

  it('complete is accepted with the key that was given out, and refused with another', async () => {
    const { id, key, report } = await reporter()
    const wrong = await report('complete', { output_video_key: 'output/elsewhere.mp4' })
    await problemOf(wrong, 422, 'output_key_mismatch')
    expect(await bodyOf(await report('complete', { output_video_key: key }))).toEqual({
      ok: true,
      cancel: false,
    })
    expect(await jobOf(id)).toMatchObject({ status: 'processing', stage: 'storing' })
  })

  it('error without retry ends the job, with the worker’s own code and sentence', async () => {
    const { id, report } = await reporter()
    const error = JSON.stringify({
      error_message: 'No video stream.',
      error_traceback: 'File "/secret/path.py"',
    })
    await report('error', { error, should_retry: false, code: 'invalid_media' })
    const failure = { code: 'invalid_media', message: 'No video stream.', retryable: false }
    expect(await jobOf(id)).toMatchObject({ status: 'error', error: failure })
  })

  it('an error is never lost to its length or its code', async () => {
    const { id, report } = await reporter()
    const body = { error: 'x'.repeat(100_000), should_retry: true, code: 'Not A Code!' }
    expect((await report('error', body)).status).toBe(200)
    expect((await jobOf(id)).error).toMatchObject({ code: 'worker_error', retryable: true })
  })

  it('tells the worker of a cancelled job to stop', async () => {
    const { id, report } = await reporter()
    await post(`/api/jobs/${id}/cancel`, {})
    expect(await bodyOf(await report('progress', { progress: 50 }))).toEqual({ ok: true, cancel: true })
  })

  it('tells the worker of a job that is gone to stop, and makes no actor of it', async () => {
    const id = '0192f000-0000-7000-8000-0000000000aa'
    const token = callbackToken(SECRET, id, { round: 1, attempt: 1 }, T0 + HOUR)
    for (const [kind, body] of [
      ['progress', { progress: 1 }],
      ['complete', { output_video_key: `output/${id}/1-1.mp4` }],
      ['error', { error: 'x', should_retry: true }],
    ] as const) {
      const response = await post(`/api/jobs/${id}/do/${kind}`, body, bearer(token))
      expect(await bodyOf(response)).toEqual({ ok: true, cancel: true })
    }
    expect(await tablesOf(env.EXPORT_JOB.getByName(id))).toEqual([])
  })

  it.each([
    ['progress', {}, '/progress'],
    ['progress', { progress: '50' }, '/progress'],
    ['progress', { progress: -1 }, '/progress'],
    ['progress', { progress: 100.5 }, '/progress'],
    ['progress', { progress: 1e308 }, '/progress'],
    ['progress', { progress: null }, '/progress'],
    ['progress', { progress: 5, stage: 7 }, '/stage'],
    ['progress', { progress: 5, eta_seconds: -1 }, '/eta_seconds'],
    ['progress', { progress: 5, runpod_job_id: '../x' }, '/runpod_job_id'],
    ['complete', {}, '/output_video_key'],
    ['complete', { output_video_key: '' }, '/output_video_key'],
    ['complete', { output_video_key: 5 }, '/output_video_key'],
    ['error', { should_retry: true }, '/error'],
    ['error', { error: 'x' }, '/should_retry'],
    ['error', { error: 'x', should_retry: 'no' }, '/should_retry'],
    ['error', { error: 'x', should_retry: true, code: 5 }, '/code'],
  ])('refuses %s %j', async (kind, body, pointer) => {
    const { id, report } = await reporter()
    const before = await jobOf(id)
    const problem = await problemOf(await report(kind, body), 400, 'validation_failed')
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
    expect(await jobOf(id)).toEqual(before)
  })
})

describe('callback tokens', () => {
  const FIRST = { round: 1, attempt: 1 }
  const send = (id: string, headers: Record<string, string>, body: unknown = { progress: 1 }) =>
    post(`/api/jobs/${id}/do/progress`, body, headers)

  it('are asked for before the body is read', async () => {
    const { job_id } = await createJob()
    const response = await send(job_id, {}, '{broken')
    expect(response.headers.get('WWW-Authenticate')).toContain('Bearer')
    await problemOf(response, 401, 'token_missing')
  })

  it('of another job, altered, or of another kind are refused', async () => {
    const { id, token } = await reporter()
    const { job_id } = await createJob()
    await problemOf(await send(job_id, bearer(token)), 401, 'token_invalid')
    const [round, attempt, expires = '', signature = ''] = token.split('.')
    const altered = [
      [round, '2', expires, signature],
      ['2', attempt, expires, signature],
      [round, attempt, String(Number(expires) + 1), signature],
      [round, attempt, expires, signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))],
      [round, attempt, expires, ''],
      [round, attempt, signature, expires],
    ]
    for (const parts of altered) {
      await problemOf(await send(id, bearer(parts.join('.'))), 401, 'token_invalid')
    }
    await problemOf(await send(id, { Authorization: `Basic ${token}` }), 401, 'token_missing')
    await problemOf(await send(id, bearer('x'.repeat(10_000))), 401, 'token_invalid')
    const foreign = callbackToken('another-secret-of-more-than-32-characters', id, FIRST, T0 + HOUR)
    await problemOf(await send(id, bearer(foreign)), 401, 'token_invalid')
    expect(await jobOf(id)).toMatchObject({ status: 'queued', progress: 0 })
  })

  it('die at their time', async () => {
    const { id } = await reporter()
    const token = callbackToken(SECRET, id, FIRST, T0 + HOUR)
    vi.setSystemTime(T0 + HOUR - 1)
    expect((await send(id, bearer(token))).status).toBe(200)
    vi.setSystemTime(T0 + HOUR)
    await problemOf(await send(id, bearer(token)), 401, 'token_expired')
  })

  it('of the previous secret are accepted during a rotation', async () => {
    const { id, token } = await reporter()
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...bearer(token) },
      body: '{"progress": 1}',
    }
    const next = { AUTH_SECRET: 'the-next-secret-of-more-than-32-characters' }
    const path = `/api/jobs/${id}/do/progress`
    expect((await apiWith({ ...next, AUTH_SECRET_PREVIOUS: SECRET }, path, init)).status).toBe(200)
    await problemOf(await apiWith(next, path, init), 401, 'token_invalid')
  })

  it('need no other entry: a worker comes from anywhere', async () => {
    const { id, token } = await reporter()
    const response = await api(`https://exportal.test/api/jobs/${id}/do/progress`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...bearer(token) },
      body: '{"progress": 3}',
    })
    expect(response.status).toBe(200)
  })
})
