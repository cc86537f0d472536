import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { callbackToken } from '../../../actors/shared/signing.ts'
import type { JobJson } from '../../../wire/job.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  bodyOf,
  createJob,
  dispatchedJob,
  post,
  problemOf,
  SECRET,
  tablesOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'

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
    ['complete', {}, '/output_video_key'],
    ['complete', { output_video_key: '' }, '/output_video_key'],
    ['complete', { output_video_key: 5 }, '/output_video_key'],
  ])('refuses %s %j', async (kind, body, pointer) => {
    const { id, report } = await reporter()
    const before = await jobOf(id)
    const problem = await problemOf(await report(kind, body), 400, 'validation_failed')
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
    expect(await jobOf(id)).toEqual(before)
  })
})

describe('A report is repaired, and never lost to what does not matter:', () => {
  const sent = async (kind: string, body: BodyInit, headers: Record<string, string> = {}) => {
    const { id, token } = await reporter()
    const init = { method: 'POST', body, headers: { ...bearer(token), ...headers } }
    expect(await bodyOf(await api(`/api/jobs/${id}/do/${kind}`, init))).toMatchObject({ ok: true })
    return jobOf(id)
  }

  it.each([
    ['none', {}, 0],
    ['text', { progress: '50' }, 0],
    ['null', { progress: null }, 0],
    ['negative', { progress: -1 }, 0],
    ['too large', { progress: 100.5 }, 100],
    ['far too large', { progress: 1e308 }, 100],
  ])('a percent that is none (%s)', async (_name, body, progress) => {
    const job = await sent('progress', JSON.stringify({ ...body, stage: 'rendering' }))
    expect(job).toMatchObject({ status: 'processing', stage: 'rendering', progress })
  })

  it.each(['NaN', '-Infinity', 'Infinity', '1e999'])(
    'a percent of %s, as Python writes it',
    async (number) => {
      const job = await sent(
        'progress',
        `{"message": "NaN \\" Infinity", "progress": ${number}, "eta_seconds": NaN}`,
      )
      expect(job).toMatchObject({
        status: 'processing',
        progress: 0,
        message: 'NaN " Infinity',
        eta_seconds: null,
      })
    },
  )

  it('fields of other types and out of bounds', async () => {
    const body = {
      progress: 5,
      stage: 7,
      message: ['x'],
      eta_seconds: -1,
      runpod_job_id: '../x',
      __proto__: 1,
    }
    const job = await sent('progress', JSON.stringify(body))
    expect(job).toMatchObject({ progress: 5, stage: null, message: null, eta_seconds: null })
  })

  it('halves of surrogate pairs, and texts that would be cut into such', async () => {
    const job = await sent(
      'progress',
      `{"progress": 5, "stage": "a\\ud800b", "message": "${'😀'.repeat(600)}", "unknown\\udc00": {"\\ud800": 1}}`,
    )
    expect(job.stage).toBe('a\ufffdb')
    expect(job.message).toBe('😀'.repeat(500))
  })

  it('a failure whose error is no Unicode', async () => {
    const job = await sent('error', '{"error": "No such file: caf\\udce9.mp4", "should_retry": false}')
    expect(job.error).toEqual({
      code: 'worker_error',
      message: 'No such file: caf\ufffd.mp4',
      retryable: false,
    })
  })

  it.each([
    ['an object', { error: { message: 'No picture.' }, should_retry: false }, 'No picture.', false],
    ['nothing', { should_retry: false }, 'The worker failed without saying why.', false],
    ['of a code that is none', { error: 'No picture.', should_retry: false, code: 5 }, 'No picture.', false],
    ['unsure whether to try again', { error: 'No picture.', should_retry: 'no' }, 'No picture.', true],
  ])('a failure that is %s', async (_name, body, message, retryable) => {
    expect((await sent('error', JSON.stringify(body))).error).toEqual({
      code: 'worker_error',
      message,
      retryable,
    })
  })

  it.each([
    ['a text', '"No picture."', 'No picture.'],
    ['a list', '["Traceback:", "No picture."]', '["Traceback:","No picture."]'],
    ['null', 'null', 'The worker failed without saying why.'],
  ])('a failure whose body is %s', async (_name, body, message) => {
    expect((await sent('error', body)).error).toEqual({ code: 'worker_error', message, retryable: true })
  })

  it.each([
    ['42', 42],
    ['[42]', 0],
    ['null', 0],
    ['"42"', 0],
  ])('progress whose body is %s', async (body, progress) => {
    expect(await sent('progress', body)).toMatchObject({ status: 'processing', progress })
  })

  it('a traceback of a megabyte', async () => {
    const body = JSON.stringify({ error: `No picture.\n${'at line\n'.repeat(125_000)}`, should_retry: false })
    expect((await sent('error', body)).error?.message).toBe('No picture.')
  })

  it('a failure whose report is too large to be read', async () => {
    const { id, report } = await reporter()
    await bodyOf(await report('error', { error: 'x'.repeat(5 * 1024 * 1024) }))
    expect((await jobOf(id)).reason).toContain('was larger than 4194304 bytes')
    await problemOf(await report('progress', { progress: 1, message: 'x'.repeat(5 * 1024 * 1024) }), 413)
  })

  it('bytes that are not UTF-8, a byte order mark, and any Content-Type', async () => {
    const bytes = new TextEncoder().encode('\ufeff{"progress": 7, "stage": "ren?dering"}')
    bytes[bytes.indexOf(0x3f)] = 0xff
    const job = await sent('progress', bytes, { 'Content-Type': 'text/plain' })
    expect(job).toMatchObject({ progress: 7, stage: 'ren\ufffddering' })
    const stream = new Response(bytes).body
    if (!stream) throw new Error('There is no body.')
    expect(await sent('progress', stream)).toMatchObject({ progress: 7, stage: 'ren\ufffddering' })
  })

  it('a job id in upper case', async () => {
    const { id, token } = await reporter()
    const answer = await post(`/api/jobs/${id.toUpperCase()}/do/progress`, { progress: 9 }, bearer(token))
    expect(answer.status).toBe(200)
    expect((await jobOf(id)).progress).toBe(9)
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
