import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { webhookPath } from '../../../actors/shared/signing.ts'
import type { JobJson } from '../../../wire/job.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  bindings,
  bodyOf,
  dispatchedJob,
  pathOf,
  post,
  problemOf,
  SECRET,
  tablesOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'

const world = useHttpWorld()
const jobOf = async (id: string) => bodyOf<JobJson>(await api(`/api/jobs/${id}`))

async function called() {
  const { id, run } = await dispatchedJob(world.runs)
  const path = pathOf(run.webhook)
  const { runpod_job_id } = await jobOf(id)
  return { id, run, path, runpodId: runpod_job_id, tell: (body: unknown) => post(path, body) }
}

describe('RunPod’s own envelope', () => {
  it('COMPLETED makes the actor look for the output', async () => {
    const { id, run, runpodId, tell } = await called()
    const response = await tell({
      id: runpodId,
      status: 'COMPLETED',
      delayTime: 1500,
      executionTime: 9000,
      workerId: 'w-1',
      output: { any: 'thing' },
      input: run.input,
      webhook: run.webhook,
    })
    expect(response.status).toBe(200)
    expect(await jobOf(id)).toMatchObject({
      status: 'processing',
      stage: 'storing',
      usage: { gpu_seconds: 9 },
    })
    expect(world.logs.join('\n')).not.toContain(run.input.callback_token)
    expect(world.logs.join('\n')).not.toContain('sig=')
  })

  it('FAILED is read by its error text', async () => {
    const { id, runpodId, tell } = await called()
    await tell({ id: runpodId, status: 'FAILED', error: 'CUDA out of memory', executionTime: 10 })
    expect((await jobOf(id)).error).toMatchObject({ code: 'out_of_memory', retryable: true })
  })

  it.each([
    ['IN_QUEUE', 'queued'],
    ['IN_PROGRESS', 'processing'],
    ['RUNNING', 'processing'],
  ])('%s is accepted and is not an end', async (status, expected) => {
    const { id, runpodId, tell } = await called()
    expect((await tell({ id: runpodId, status })).status).toBe(200)
    expect((await jobOf(id)).status).toBe(expected)
  })

  it('is accepted without a Content-Type, and when it comes twice', async () => {
    const { path, runpodId, id } = await called()
    const body = new TextEncoder().encode(JSON.stringify({ id: runpodId, status: 'COMPLETED' }))
    for (let i = 0; i < 2; i++) expect((await api(path, { method: 'POST', body })).status).toBe(200)
    expect(await jobOf(id)).toMatchObject({ status: 'processing' })
  })

  it('answers 200 for an attempt that is closed, and for a job that is gone', async () => {
    const { id, runpodId, tell } = await called()
    await post(`/api/jobs/${id}/cancel`, {})
    expect((await tell({ id: runpodId, status: 'CANCELLED' })).status).toBe(200)
    expect((await jobOf(id)).status).toBe('cancelled')
    const gone = '0192f000-0000-7000-8000-0000000000bb'
    const path = webhookPath(SECRET, gone, { round: 1, attempt: 1 }, T0 + HOUR)
    expect((await post(path, { id: 'x', status: 'COMPLETED' })).status).toBe(200)
    expect(await tablesOf(env.EXPORT_JOB.getByName(gone))).toEqual([])
  })

  it('FAILED tells the code and the retry that the handler returned beside its error', async () => {
    const { id, runpodId, tell } = await called()
    const output = { code: 'invalid_media', should_retry: false }
    await tell({ id: runpodId, status: 'FAILED', error: 'No picture.', output })
    expect(await jobOf(id)).toMatchObject({
      status: 'error',
      error: { code: 'invalid_media', message: 'No picture.', retryable: false },
    })
  })

  it.each<[string, (runpodId: string | null) => BodyInit]>([
    ['halves of surrogate pairs', (id) => `{"id": "${id}", "status": "FAILED", "error": "caf\\udce9"}`],
    ['NaN', (id) => `{"id": "${id}", "status": "FAILED", "error": "caf\ufffd", "executionTime": NaN}`],
    ['a byte order mark', (id) => `\ufeff{"id": "${id}", "status": "FAILED", "error": "caf\ufffd"}`],
    [
      'deep nesting',
      (id) =>
        `{"id": "${id}", "status": "FAILED", "error": "caf\ufffd", "output": ${'['.repeat(500)}${']'.repeat(500)}}`,
    ],
    [
      'bytes that are not UTF-8',
      (id) =>
        Uint8Array.from(
          [...`{"id": "${id}", "status": "FAILED", "error": "caf\xe9"}`].map((c) => c.charCodeAt(0)),
        ),
    ],
    [
      'a name that no field may have',
      (id) => `{"id": "${id}", "status": "FAILED", "error": "caf\ufffd", "__proto__": 9007199254740993}`,
    ],
  ])('is repaired, and never lost to %s', async (_name, body) => {
    const { id, path, runpodId } = await called()
    expect((await api(path, { method: 'POST', body: body(runpodId) })).status).toBe(200)
    expect((await jobOf(id)).error).toMatchObject({ code: 'worker_error', message: 'caf\ufffd' })
  })

  it('finds a job whose id its address has in upper case', async () => {
    const { id, run, runpodId } = await called()
    const ref = { round: 1, attempt: 1 }
    expect(run.webhook).toContain(id)
    const path = webhookPath(SECRET, id.toUpperCase(), ref, T0 + HOUR)
    expect((await post(path, { id: runpodId, status: 'IN_PROGRESS' })).status).toBe(200)
    expect((await jobOf(id)).status).toBe('processing')
  })

  it.each([[{}], [[]], [{ status: 5 }], ['null'], ['{broken'], [{ id: 'x' }]])('refuses %j', async (body) => {
    const { id, tell } = await called()
    await problemOf(await tell(body), 400)
    expect((await jobOf(id)).status).toBe('queued')
  })
})

describe('the plain form', () => {
  it('completed with a key is a completion like the worker’s own', async () => {
    const { id, run, tell } = await called()
    const wrong = { job_id: id, status: 'completed', output: { output_video_key: 'output/x.mp4' } }
    await problemOf(await tell(wrong), 422, 'output_key_mismatch')
    const right = {
      job_id: id,
      status: 'completed',
      output: { output_video_key: run.input.output.video_key },
    }
    expect((await tell(right)).status).toBe(200)
    expect(await jobOf(id)).toMatchObject({ status: 'processing', stage: 'storing' })
  })

  it('completed without a key, and failed', async () => {
    const one = await called()
    expect((await one.tell({ job_id: one.id, status: 'completed' })).status).toBe(200)
    expect((await jobOf(one.id)).stage).toBe('storing')
    const two = await called()
    expect((await two.tell({ job_id: two.id, status: 'failed', error: 'It broke.' })).status).toBe(200)
    expect((await jobOf(two.id)).error).toMatchObject({ code: 'worker_error', message: 'It broke.' })
  })

  it('is repaired where it is wrong in what does not matter', async () => {
    const one = await called()
    const upper = { job_id: one.id.toUpperCase(), status: 'completed', output: 'x', error: 5 }
    expect((await one.tell(upper)).status).toBe(200)
    expect((await jobOf(one.id)).stage).toBe('storing')
    const two = await called()
    const told = `{"job_id": "${two.id}", "status": "failed", "error": "caf\\udce9", "seconds": NaN}`
    expect((await two.tell(told)).status).toBe(200)
    expect((await jobOf(two.id)).error).toMatchObject({ message: 'caf\ufffd' })
  })

  it('must speak of the job that the URL was signed for', async () => {
    const one = await called()
    const two = await called()
    const problem = await problemOf(await one.tell({ job_id: two.id, status: 'completed' }), 400)
    expect(problem.errors?.[0]?.pointer).toBe('/job_id')
    expect((await jobOf(two.id)).status).toBe('queued')
  })

  it.each([
    [{ status: 'done' }, '/status'],
    [{ status: 5 }, '/status'],
  ])('refuses %j', async (over, pointer) => {
    const { id, tell } = await called()
    const problem = await problemOf(await tell({ job_id: id, ...over }), 400)
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
  })
})

describe('the signed query', () => {
  it('is checked before anything else', async () => {
    const { id, path } = await called()
    const query = new URL(path, 'http://x').searchParams
    const tries: [Record<string, string | null>, number, string][] = [
      [{ sig: null }, 401, 'signature_missing'],
      [{ exp: null }, 401, 'signature_missing'],
      [{ sig: `${query.get('sig')}x` }, 403, 'signature_invalid'],
      [{ attempt: '2' }, 403, 'signature_invalid'],
      [{ round: '2' }, 403, 'signature_invalid'],
      [{ job: '0192f000-0000-7000-8000-0000000000cc' }, 403, 'signature_invalid'],
      [{ exp: String(Number(query.get('exp')) + 1) }, 403, 'signature_invalid'],
      [{ more: '1' }, 403, 'signature_invalid'],
    ]
    for (const [changes, status, code] of tries) {
      const changed = new URLSearchParams(query)
      for (const [name, value] of Object.entries(changes)) {
        if (value === null) changed.delete(name)
        else changed.set(name, value)
      }
      await problemOf(await post(`/api/runpod/callback?${changed}`, '{broken'), status, code)
    }
    await problemOf(await post('/api/runpod/callback', {}), 401, 'signature_missing')
    expect((await jobOf(id)).status).toBe('queued')
  })

  it('expires', async () => {
    const { path, tell } = await called()
    const expires = Number(new URL(path, 'http://x').searchParams.get('exp')) * 1000
    vi.setSystemTime(expires)
    await problemOf(await tell({ status: 'COMPLETED' }), 403, 'signature_expired')
  })

  it('answers 503 while the actor cannot be reached, so that RunPod tries again', async () => {
    const { path, runpodId } = await called()
    const EXPORT_JOB = new Proxy(bindings().EXPORT_JOB, {
      get: () => () => {
        throw new Error('The actor is away.')
      },
    })
    const init = { method: 'POST', body: JSON.stringify({ id: runpodId, status: 'COMPLETED' }) }
    const response = await apiWith({ EXPORT_JOB }, path, init)
    expect(response.headers.get('Retry-After')).toBe('2')
    await problemOf(response, 503, 'job_unavailable')
  })
})
