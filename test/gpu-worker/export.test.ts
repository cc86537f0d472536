/**
 * A whole export by the GPU worker: the real service, runpod-local with no worker of its own, and the handler in a
 * process that knows nothing but RunPod's environment variables.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createExports } from '../../client/index.ts'
import { makeClip, probe } from '../../scripts/clip.ts'
import { freePort, Stack } from '../../scripts/stack.ts'
import { environmentOf } from '../runpod-local/support/attached.ts'
import { HERE, hasFfmpeg, python, ROOT } from './python.ts'

describe.skipIf(python === null || !hasFfmpeg)('the GPU worker at work', () => {
  let dir = ''
  let stack: Stack
  let worker: ChildProcess
  let said = ''

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'exportal-gpu-worker-'))
    await makeClip(join(dir, 'clip.mp4'), 2)
    stack = new Stack({
      stateDir: join(dir, 'state'),
      servicePort: await freePort(0),
      runpodPort: await freePort(0),
      runpodEnv: { RUNPOD_LOCAL_WORKER: 'none' },
    })
    await stack.start()
    const told = environmentOf((await readFile(stack.runpodLog, 'utf8')).split('\n'))
    worker = spawn(python ?? '', ['-B', 'attached_worker.py'], {
      cwd: HERE,
      env: {
        ...process.env,
        ...told,
        RUNPOD_PING_INTERVAL: '200',
        EXPORTAL_DIR: join(dir, 'work'),
        EXPORTAL_FONT: join(ROOT, 'node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf'),
      },
    })
    for (const stream of [worker.stdout, worker.stderr]) stream?.on('data', (text) => (said += text))
  })

  afterAll(async () => {
    worker?.kill('SIGKILL')
    await stack?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  const upload = async () => {
    const file = new Blob([await readFile(join(dir, 'clip.mp4'))], { type: 'video/mp4' })
    return createExports({ baseUrl: stack.url }).uploadVideo(file, { filename: 'clip.mp4', projectId: 1 })
  }

  it('renders, stores, reports and answers', async () => {
    const client = createExports({ baseUrl: stack.url })
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
    const result = join(dir, 'result.mp4')
    await writeFile(
      result,
      Buffer.from(await (await fetch(client.absolute(String(job.output_url)))).arrayBuffer()),
    )
    expect(await probe(result)).toMatchObject({ width: 320 })
    await vi.waitFor(() => expect(said).toContain(`done ${job.runpod_job_id}`))
  })

  it('fails a job for good whose params no retry can mend', async () => {
    const client = createExports({ baseUrl: stack.url })
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
