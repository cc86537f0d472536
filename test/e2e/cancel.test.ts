/**
 * From a cancel until the ffmpeg of the worker is gone, over the line and by the answer to a POST, of both workers.
 * RunPod's own cancel is refused meanwhile: in the cloud it takes seconds, and here it would be heard at once.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createExports } from '../../client/index.ts'
import { fontPaths } from '../../runpod-local/worker/text/font-files.ts'
import { makeClip } from '../../scripts/clip.ts'
import { groupMembers } from '../../scripts/process-group.ts'
import { HERE, hasFfmpeg, hasLine, python } from '../gpu-worker/python.ts'
import { eventually } from '../support/eventually.ts'
import { ffmpeg } from '../support/node/media.ts'
import { environmentOf } from '../support/node/runpod-local/attached.ts'
import { type StartedStack, startStack } from '../support/node/started-stack.ts'

const JOBS = 20
/** Of the middle one of them. */
const MAX_MS = 300

let started: StartedStack
let key = ''
const p50 = new Map<string, number>()

beforeAll(async () => {
  const runpodEnv = { RUNPOD_LOCAL_FAULTS: JSON.stringify({ cancel: 'refuse' }) }
  started = await startStack('cancel', { runpodEnv }, (dir) => makeClip(join(dir, 'clip.mp4'), 10))
  const file = new Blob([await readFile(join(started.dir, 'clip.mp4'))], { type: 'video/mp4' })
  const { video_key } = await client().uploadVideo(file, { filename: 'clip.mp4', projectId: 1 })
  key = video_key
})

afterAll(async () => {
  await started?.stop()
  for (const [name, ms] of p50) console.log(`cancel → ffmpeg gone, ${name}: p50 ${Math.round(ms)} ms`)
})

const client = () => createExports({ baseUrl: started.stack.url })

describe.skipIf(ffmpeg === null)('the worker of runpod-local', () => {
  it.each([
    ['over the line', {}],
    ['by POST', { line: { refuse: true } }],
  ])('hears of a cancel %s', async (name, faults) => {
    const body = JSON.stringify({ cancel: 'refuse', ...faults })
    await fetch(`${started.stack.runpodUrl}/faults`, { method: 'PUT', body })
    await measure(`runpod-local, ${name}`, started.stack.runpodGroup)
  })
})

describe.skipIf(python === null || !hasFfmpeg || !hasLine)('the GPU worker', () => {
  it.each([
    ['over the line', {}],
    ['by POST', { WITHOUT_LINE: 'on' }],
  ])('hears of a cancel %s', async (name, env) => {
    const told = environmentOf((await readFile(started.stack.runpodLog, 'utf8')).split('\n'))
    const own = { EXPORTAL_DIR: join(started.dir, 'work'), EXPORTAL_FONTS: fontPaths().join(delimiter) }
    const worker = spawn(python ?? '', ['-B', 'attached_worker.py'], {
      cwd: HERE,
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, ...told, RUNPOD_PING_INTERVAL: '200', ...own, ...env },
    })
    const group = worker.pid ?? 0
    try {
      await eventually(async () => {
        const health = `${started.stack.runpodUrl}/v2/local/health`
        const answer = await fetch(health, { headers: { authorization: 'Bearer local-key' } })
        const { workers } = (await answer.json()) as { workers: { idle: number } }
        return workers.idle > 1
      })
      await measure(`gpu-worker, ${name}`, group)
    } finally {
      process.kill(-group, 'SIGKILL')
    }
  })
})

/** So many jobs, each cancelled in the middle of its ffmpeg. */
async function measure(name: string, group: number | null): Promise<void> {
  const waits: number[] = []
  for (let i = 0; i < JOBS; i++) {
    const { job_id } = await client().jobs.create({
      project_id: 1,
      type: 'transcode',
      input_video_key: key,
      params: { output: { width: 1920, quality: 'high' } },
    })
    let pid: number | undefined
    await eventually(() => {
      pid = groupMembers(group ?? 0).find(isEncoder)
      return pid !== undefined
    })
    // It has reported since: what is measured is no start of the line.
    await eventually(async () => (await client().jobs.get(job_id)).progress > 5)
    const askedAt = performance.now()
    const gone = eventually(() => !isThere(Number(pid))).then(() => performance.now())
    await client().jobs.cancel(job_id)
    waits.push((await gone) - askedAt)
    // The next one begins when nothing of this one is left.
    await eventually(async () => {
      const answer = await fetch(`${started.stack.runpodUrl}/jobs`)
      const { jobs } = (await answer.json()) as { jobs: { worker_running: boolean }[] }
      return jobs.every((job) => !job.worker_running)
    })
  }
  const [middle = Number.POSITIVE_INFINITY] = waits.sort((a, b) => a - b).slice(JOBS / 2)
  p50.set(name, middle)
  if (name.endsWith('over the line')) expect(middle).toBeLessThanOrEqual(MAX_MS)
}

function isEncoder(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0-progress\0')
  } catch {
    return false
  }
}

/** A process that nobody has waited for yet still counts. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
