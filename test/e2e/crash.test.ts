/** All processes are killed while a job is being rendered: after a restart it is completed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createExports } from '../../client/index.ts'
import { makeClip } from '../../scripts/clip.ts'
import { ffmpeg } from '../support/node/media.ts'
import { startStack } from '../support/node/started-stack.ts'

const { stack, dir, stop } = await startStack('crash')
afterAll(stop)

it.skipIf(!ffmpeg)('a job that was being rendered ends complete by itself, by a second attempt', async () => {
  const client = createExports({ baseUrl: stack.url })
  const clip = join(dir, 'clip.mp4')
  await makeClip(clip, 2)
  const file = new Blob([await readFile(clip)], { type: 'video/mp4' })
  const { video_key } = await client.uploadVideo(file, { projectId: 1, filename: 'clip.mp4' })
  // The first worker stalls during its run, so that it is certainly running when it is killed.
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
