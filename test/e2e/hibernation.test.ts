/** An actor that is only read hibernates: the real runtime evicts it while an open socket is being pinged. */
import { afterAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createExports } from '../../client/index.ts'
import { startStack } from '../support/node/started-stack.ts'

/** workerd evicts an idle actor after ten seconds. */
const PINGS = 15

const { stack, stop } = await startStack('sleep')
afterAll(stop)

/** How often the actor's constructor ran. The request itself starts an actor that sleeps. */
async function instances(id: string): Promise<number> {
  const response = await fetch(`${stack.url}/api/admin/jobs/${id}`)
  expect(response.status).toBe(200)
  const { actor } = (await response.json()) as { actor: { instances: number } }
  return actor.instances
}

it('a watched job that waits lets its actor sleep, pings and all, and its socket goes on', async () => {
  const client = createExports({ baseUrl: stack.url })
  await fetch(`${stack.runpodUrl}/faults`, { method: 'PUT', body: JSON.stringify({ hold_queue: true }) })
  const file = new Blob(['no video'], { type: 'video/mp4' })
  const { video_key } = await client.uploadVideo(file, { projectId: 1, filename: 'clip.mp4' })
  const { job_id, websocket_url } = await client.jobs.create({
    project_id: 1,
    type: 'transcode',
    input_video_key: video_key,
  })
  for await (const { job } of client.jobs.watch(job_id)) {
    if (job?.status === 'queued') break
  }
  const socket = new WebSocket(client.absolute(websocket_url).replace(/^http/, 'ws'))
  const told: string[] = []
  let pongs = 0
  const ponged = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const text = String(data)
      if (text !== 'pong') return void told.push((JSON.parse(text) as { type: string }).type)
      if (++pongs === PINGS) return resolve()
      setTimeout(() => socket.send('ping'), 1000)
    })
  })
  await new Promise((resolve) => socket.once('open', resolve))
  const before = await instances(job_id)
  socket.send('ping')
  await ponged
  expect(await instances(job_id)).toBe(before + 1)
  await client.jobs.cancel(job_id)
  await new Promise((resolve) => socket.once('close', resolve))
  expect(told[0]).toBe('snapshot')
  expect(told.at(-1)).toBe('event')
})
