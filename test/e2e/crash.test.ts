/** Everything is killed outright while a job is being rendered: the next start carries it to its end. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createExports } from '../../client/index.ts'
import { findFfmpeg } from '../../runpod-local/worker/find-ffmpeg.ts'
import { makeClip } from '../../scripts/clip.ts'
import { freePort, Stack } from '../../scripts/stack.ts'

const ffmpeg = await findFfmpeg()
if (!ffmpeg)
  console.warn('SKIPPED: no ffmpeg was found (npm, FFMPEG_PATH or PATH), so nothing can be exported.')

let dir = ''
let stack: Stack

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'exportal-crash-'))
  const stateDir = join(dir, 'state')
  stack = new Stack({ stateDir, servicePort: await freePort(0), runpodPort: await freePort(0) })
  await stack.start()
})

afterAll(async () => {
  await stack?.stop()
  await rm(dir, { recursive: true, force: true })
})

it.skipIf(!ffmpeg)('a job that was being rendered ends complete by itself, by a second attempt', async () => {
  const client = createExports({ baseUrl: stack.url })
  const clip = join(dir, 'clip.mp4')
  await makeClip(clip, 2)
  const file = new Blob([await readFile(clip)], { type: 'video/mp4' })
  const { video_key } = await client.uploadVideo(file, { projectId: 1, filename: 'clip.mp4' })
  // The first worker goes silent in mid-run, so that the kill surely finds it there.
  const faults = JSON.stringify({ stall: { at_progress: 10, times: 1 } })
  await fetch(`${stack.runpodUrl}/faults`, { method: 'PUT', body: faults })
  const { job_id } = await client.jobs.create({
    project_id: 1,
    type: 'transcode',
    input_video_key: video_key,
  })
  for await (const { job } of client.jobs.watch(job_id)) {
    if (job?.status === 'processing') break
  }

  stack.killService()
  stack.killRunpod()
  await stack.start()
  const job = await client.jobs.waitFor(job_id)
  expect(job).toMatchObject({ status: 'complete', attempt: 2 })
  const row = (await client.jobs.list({ project_id: 1 })).jobs.find((each) => each.id === job_id)
  expect(row).toMatchObject({ status: 'complete' })
})
