/** Three of the files through the real service: uploaded, dispatched to runpod-local, rendered, stored, downloaded. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CreateJob, createExports } from '../../client/index.ts'
import { freePort, Stack } from '../../scripts/stack.ts'
import { CASES, type Case } from './cases.ts'
import { canMake, Inputs, MAKER } from './inputs.ts'
import { look } from './look.ts'
import { TEXT_CASES } from './text-cases.ts'

const named = (name: string): Case => {
  const found = [...CASES, ...TEXT_CASES].find((each) => each.input === name)
  if (found === undefined) throw new Error(`there is no case of ${name}`)
  return found
}

describe.skipIf(!canMake)('through the service', () => {
  let dir = ''
  let stack: Stack

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'exportal-media-'))
    const [servicePort, runpodPort] = [await freePort(0), await freePort(0)]
    stack = new Stack({ stateDir: join(dir, 'state'), servicePort, runpodPort })
    await stack.start()
  })

  afterAll(async () => {
    await stack?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it.each(['cover-first.mp4', 'no-duration.webm', 'gop2.ts'])('%s', async (name) => {
    const { type = 'transcode', params = {}, check } = named(name)
    const file = await new Inputs(dir, MAKER).file(name)
    const client = createExports({ baseUrl: stack.url })
    const { video_key } = await client.uploadVideo(new Blob([new Uint8Array(file)]), {
      filename: name,
      projectId: 1,
    })
    const body = { project_id: 1, type, input_video_key: video_key, params }
    const { job_id } = await client.jobs.create(body as CreateJob)
    const job = await client.jobs.waitFor(job_id)
    expect(job.error).toBe(null)
    const answer = await fetch(client.absolute(String(job.output_url)))
    const path = join(dir, `result-${name}.mp4`)
    await writeFile(path, new Uint8Array(await answer.arrayBuffer()))
    await check?.(await look(path))
  })
})
