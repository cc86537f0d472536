import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isAlive } from '../../scripts/process-group.ts'
import { clipArgs, fakeFfmpeg, ffmpeg, type Media, media } from '../support/node/media.ts'
import { reportedFailure } from '../support/node/runpod-local/exports.ts'
import { eventually, type Json, startLocal, temporaryDir } from '../support/node/runpod-local/local.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

let tools: Media
let long: Buffer

beforeAll(async () => {
  tools = await media()
  if (ffmpeg !== null) long = await tools.make('long.mp4', ...clipArgs(30))
})

afterAll(() => tools?.close())

describe.skipIf(ffmpeg === null)('a stop in the middle', () => {
  /** Starts a long export and resolves once its ffmpeg runs. */
  async function underWay(options: Parameters<typeof startLocal>[0] = {}, request: Json = {}) {
    const service = await fakeService()
    service.files.set('clip.mp4', long)
    const local = await startLocal(options)
    const params = { output: { width: 1920, quality: 'high' } }
    const { body } = await local.post('/run', { input: service.input('transcode', params), ...request })
    const line = await eventually(() => {
      const found = local.lines.find((text) => text.includes('ffmpeg.started'))
      if (found === undefined) throw new Error('ffmpeg did not start')
      return found
    })
    const pid = Number(/pid=(\d+)/.exec(line)?.[1])
    expect(isAlive(pid)).toBe(true)
    return { service, local, id: String(body.id), pid }
  }

  /** The process has ended, its files are removed, and nothing was stored or reported as an end. */
  async function expectStopped({ service, local, pid }: Awaited<ReturnType<typeof underWay>>) {
    await eventually(() => expect(isAlive(pid)).toBe(false))
    await eventually(async () => expect((await local.jobs())[0]?.worker_running).toBe(false))
    expect((await readdir(local.dir)).filter((name) => name.startsWith('job-'))).toEqual([])
    expect(service.stored.size).toBe(0)
    expect([...service.of('complete'), ...service.of('error')]).toEqual([])
  }

  it('kills ffmpeg and removes its files when RunPod cancels', async () => {
    const started = await underWay()
    expect((await started.local.post(`/cancel/${started.id}`)).body.status).toBe('CANCELLED')
    await expectStopped(started)
  })

  it('stops when a report is answered with cancel', async () => {
    const started = await underWay()
    started.service.answer = () => ({ status: 200, body: { cancel: true } })
    await expectStopped(started)
  })

  it('stops when the job is gone for the service', async () => {
    const started = await underWay()
    started.service.answer = () => ({ status: 404 })
    await expectStopped(started)
  })

  it('stops at the execution timeout and at the ttl', async () => {
    const timedOut = await underWay({}, { policy: { executionTimeout: 1_500 } })
    const deleted = await underWay({}, { policy: { ttl: 1_500 } })
    await expectStopped(timedOut)
    expect((await timedOut.local.get(`/status/${timedOut.id}`)).body.error).toBe('executionTimeout exceeded')
    await expectStopped(deleted)
    expect((await deleted.local.get(`/status/${deleted.id}`)).status).toBe(404)
  })

  it.skipIf(process.platform === 'win32')('kills an ffmpeg that does not listen to SIGTERM', async () => {
    const deaf = await fakeFfmpeg(await temporaryDir(), "trap '' TERM; while :; do sleep 0.05; done")
    const started = await underWay({ env: deaf })
    await started.local.post(`/cancel/${started.id}`)
    await expectStopped(started)
  })

  it('leaves nothing behind when the worker crashes, and says nothing', async () => {
    const started = await underWay({ lostWorkerMs: 60_000 })
    await started.local.setFaults({ crash: {} })
    await expectStopped(started)
    expect((await started.local.get(`/status/${started.id}`)).body.status).toBe('IN_PROGRESS')
  })

  it('calls an ffmpeg that the computer killed out of memory, worth a retry', async () => {
    const { service, pid } = await underWay()
    process.kill(pid, 'SIGKILL')
    await eventually(() =>
      expect(reportedFailure(service)).toMatchObject({ code: 'out_of_memory', should_retry: true }),
    )
  })
})
