/**
 * A whole export by the GPU worker: the real service, runpod-local without a worker of its own, and the handler in a
 * process with only RunPod's environment variables.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createExports } from '../../client/index.ts'
import { fontPaths } from '../../runpod-local/worker/text/font-files.ts'
import { makeClip, probe } from '../../scripts/clip.ts'
import { environmentOf } from '../support/node/runpod-local/attached.ts'
import { type StartedStack, startStack } from '../support/node/started-stack.ts'
import { HERE, hasFfmpeg, python } from './python.ts'

describe.skipIf(python === null || !hasFfmpeg)('the GPU worker at work', () => {
  let started: StartedStack
  let worker: ChildProcess
  let said = ''

  beforeAll(async () => {
    const runpodEnv = { RUNPOD_LOCAL_WORKER: 'none' }
    started = await startStack('gpu-worker', { runpodEnv }, (dir) => makeClip(join(dir, 'clip.mp4'), 2))
    const { stack, dir } = started
    const told = environmentOf((await readFile(stack.runpodLog, 'utf8')).split('\n'))
    worker = spawn(python ?? '', ['-B', 'attached_worker.py'], {
      cwd: HERE,
      env: {
        ...process.env,
        ...told,
        RUNPOD_PING_INTERVAL: '200',
        EXPORTAL_DIR: join(dir, 'work'),
        EXPORTAL_FONTS: fontPaths().join(delimiter),
      },
    })
    for (const stream of [worker.stdout, worker.stderr]) stream?.on('data', (text) => (said += text))
  })

  afterAll(async () => {
    worker?.kill('SIGKILL')
    await started?.stop()
  })

  const upload = async () => {
    const file = new Blob([await readFile(join(started.dir, 'clip.mp4'))], { type: 'video/mp4' })
    return createExports({ baseUrl: started.stack.url }).uploadVideo(file, {
      filename: 'clip.mp4',
      projectId: 1,
    })
  }

  it('renders, stores, reports and answers', async () => {
    const client = createExports({ baseUrl: started.stack.url })
    const { video_key } = await upload()
    const { job_id } = await client.jobs.create({
      project_id: 1,
      type: 'overlay',
      input_video_key: video_key,
      params: { items: [{ type: 'text', text: 'Hi' }], output: { width: 320 } },
    })
    const seen: number[] = []
    const job = await client.jobs.waitFor(job_id, { onProgress: (percent) => seen.push(percent) })
    expect({ status: job.status, attempt: job.attempt, error: job.error }, said).toEqual({
      status: 'complete',
      attempt: 1,
      error: null,
    })
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    const result = join(started.dir, 'result.mp4')
    await writeFile(
      result,
      Buffer.from(await (await fetch(client.absolute(String(job.output_url)))).arrayBuffer()),
    )
    expect(await probe(result)).toMatchObject({ width: 320 })
    await vi.waitFor(() => expect(said).toContain(`done ${job.runpod_job_id}`))
  })

  it('fails a job for good whose params no retry can mend', async () => {
    const client = createExports({ baseUrl: started.stack.url })
    const { video_key } = await upload()
    const { job_id } = await client.jobs.create({
      project_id: 1,
      type: 'trim',
      input_video_key: video_key,
      params: { start_seconds: 60 },
    })
    const job = await client.jobs.waitFor(job_id, { resolveFailed: true })
    expect(job).toMatchObject({
      status: 'error',
      attempt: 1,
      error: { code: 'invalid_media', retryable: false, message: expect.stringContaining('starts at 60 s') },
    })
  })
})
