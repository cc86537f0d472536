/** Calls of a Worker of the previous release, and answers of such an actor: both work for the duration of a deploy. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import {
  type ActorHandle,
  ANYONE,
  aCreatedJob,
  actor,
  aRequest,
  aRunningJob,
  completed,
  FakeRunpod,
  storeOutput,
} from '../support/workerd/actors.ts'
import { useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

async function aFailedJob(): Promise<ActorHandle> {
  new FakeRunpod().install()
  const job = await aRunningJob()
  const failure = { code: 'worker_error', message: 'No.', retryable: false }
  await job.report({ type: 'failed', ref: { round: 1, attempt: 1 }, failure, runpodJobId: null })
  return job
}

describe('A former Worker says by position', () => {
  it('create(request, requestId)', async () => {
    const request = aRequest()
    expect(await actor(request.id).stub.create(request, 'r')).toMatchObject({ ok: true, created: true })
  })

  it('view()', async () => {
    const job = await aCreatedJob()
    expect(await job.stub.view()).toMatchObject({ found: true, version: 1, seq: 1 })
  })

  it('cancel(by, requestId)', async () => {
    const job = await aCreatedJob()
    expect(await job.stub.cancel('me', 'r')).toMatchObject({ ok: true })
    expect(await job.job()).toMatchObject({ status: 'cancelled' })
    expect((await job.events()).map(({ data }) => data)).toContainEqual({ by: 'me' })
  })

  it('retry(by, version, requestId)', async () => {
    const job = await aFailedJob()
    const { version } = await job.job()
    expect(await job.stub.retry('me', version - 1, 'r')).toMatchObject({ ok: false, code: 'job_changed' })
    expect(await job.stub.retry('me', version, 'r')).toMatchObject({ ok: true })
    expect(await job.job()).toMatchObject({ round: 2 })
  })

  it('remove(by, version, requestId)', async () => {
    const job = await aFailedJob()
    const { version } = await job.job()
    expect(await job.stub.remove('me', version - 1, 'r')).toMatchObject({ ok: false, code: 'job_changed' })
    expect(await job.stub.remove('me', null, 'r')).toMatchObject({
      ok: true,
      job: null,
      erasure: { id: job.id },
    })
  })

  it('redeliver(id, by, requestId)', async () => {
    const job = await aCreatedJob()
    expect(await job.stub.redeliver('d', 'me', 'r')).toMatchObject({ ok: false, code: 'no_webhook' })
  })

  it('report(report, requestId)', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    await storeOutput(job)
    expect(await job.stub.report(completed(), 'r')).toEqual({ ok: true, cancel: false })
  })

  it('observe(fact, requestId)', async () => {
    new FakeRunpod().install()
    const job = await aRunningJob()
    const observation = { state: 'running', error: null, usage: null } as const
    const ref = { round: 1, attempt: 1 }
    const fact = {
      type: 'observed',
      ref,
      source: 'webhook',
      runpodJobId: null,
      observation,
      health: null,
    } as const
    expect(await job.stub.observe(fact, 'r')).toEqual({ ok: true })
  })

  it('events(after, limit)', async () => {
    const job = await aCreatedJob()
    expect(await job.stub.events(0, 10)).toMatchObject({ found: true, firstSeq: 1, lastSeq: 1 })
    expect(await job.stub.events(1, 10)).toMatchObject({ events: '[]' })
  })

  it('inspect(query)', async () => {
    const job = await aCreatedJob()
    const query = { after: null, before: null, limit: 1, types: null }
    expect(await job.stub.inspect(query)).toMatchObject({ found: true, projectId: 1 })
  })

  it('intervene(command, requestId)', async () => {
    const job = await aCreatedJob()
    const command = { type: 'forceFail', by: 'me', why: 'Enough.' } as const
    expect(await job.stub.intervene(command, 'r')).toMatchObject({ ok: true })
    expect(await job.job()).toMatchObject({ status: 'error', error: { code: 'force_failed' } })
  })

  it('heal()', async () => {
    const job = await aCreatedJob()
    expect(await job.stub.heal()).toEqual({ found: true })
    expect(await actor(crypto.randomUUID()).stub.heal()).toEqual({ found: false })
  })
})

it('A former Worker calls checkParts of an upload by its name then', async () => {
  const answer = await env.UPLOAD.getByName('input/x').judge({ uploadId: 'x', projectId: 1 }, [], null)
  expect(answer).toMatchObject({ ok: false, code: 'upload_not_found' })
})

describe('For a caller of another project', () => {
  const foreign = { ...ANYONE, projectId: 2 }
  const query = { after: null, before: null, limit: 1, types: null }

  it.each(['pending', 'deleting'])('a %s job does not exist', async (status) => {
    const job = await aCreatedJob()
    if (status === 'deleting') {
      for (let times = 0; times < 2; times++) await job.stub.command({ type: 'delete', by: 'me' }, ANYONE)
    }
    const own = { ...ANYONE, projectId: 1 }
    expect(await job.stub.view(own)).toMatchObject(
      status === 'pending' ? { found: true } : { deleting: true },
    )
    expect(await job.stub.view(foreign)).toEqual({ found: false, deleting: false })
    expect(await job.stub.events({ after: 0, limit: 10 }, foreign)).toEqual({ found: false })
    expect(await job.stub.inspect(query, foreign)).toEqual({ found: false, deleting: false })
    const seen = await job.stub.fetch('https://job/ws?project=2', { headers: { Upgrade: 'websocket' } })
    expect(seen.status).toBe(404)
    for (const type of ['cancel', 'retry', 'delete', 'recheck', 'rewriteRow'] as const) {
      const answer = await job.stub.command({ type, by: 'them' }, foreign)
      expect(answer).toMatchObject({ ok: false, code: 'job_not_found' })
    }
  })
})
