/** The service with a RunPod and GPU workers that the test plays itself, to see what is on their lines. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { WebSocket } from 'ws'
import { createExports, type ExportsClient } from '../../../client/index.ts'
import { type StartedStack, startStack } from './started-stack.ts'

/** What a worker is sent, as far as its line needs it. */
export interface Sent {
  job_id: string
  line_url: string
  callback_token: string
}

export interface LinedStack extends StartedStack {
  readonly client: ExportsClient
  /** What RunPod was asked, as `verb id`. */
  readonly asked: readonly string[]
  /** A job that RunPod has taken, and what its worker was sent. */
  aQueuedJob(): Promise<Sent>
}

export async function startLinedStack(name: string): Promise<LinedStack> {
  const sent = new Map<string, Sent>()
  const asked: string[] = []
  const runpod = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const [, , , verb = '', id = ''] = (request.url ?? '').split('/')
    asked.push(`${verb} ${id}`)
    if (verb === 'run') {
      const { input } = JSON.parse(Buffer.concat(chunks).toString()) as { input: Sent }
      sent.set(input.job_id, input)
      response.end(JSON.stringify({ id: `rp-${input.job_id}`, status: 'IN_QUEUE' }))
    } else if (verb === 'health') response.end(JSON.stringify({ workers: { idle: 1 }, jobs: {} }))
    else response.end(JSON.stringify({ id, status: verb === 'cancel' ? 'CANCELLED' : 'IN_PROGRESS' }))
  })
  runpod.listen(0, '127.0.0.1')
  await once(runpod, 'listening')
  const address = runpod.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  const vars = { RUNPOD_ENDPOINT: `http://127.0.0.1:${address.port}/v2/own` }
  const started = await startStack(name, { vars })
  const client = createExports({ baseUrl: started.stack.url })
  const aQueuedJob = async () => {
    const file = new Blob(['no video'], { type: 'video/mp4' })
    const { video_key } = await client.uploadVideo(file, { projectId: 1, filename: 'clip.mp4' })
    const { job_id } = await client.jobs.create({
      project_id: 1,
      type: 'transcode',
      input_video_key: video_key,
    })
    for await (const { job } of client.jobs.watch(job_id)) if (job?.status === 'queued') break
    const input = sent.get(job_id)
    if (!input) throw new Error('RunPod was not asked to run this job.')
    return input
  }
  const stop = async () => {
    await started.stop()
    runpod.close()
  }
  return { ...started, client, asked, aQueuedJob, stop }
}

/** The worker's line, its hello said. */
export async function dial({ job_id, line_url, callback_token }: Sent, instance = 'a'): Promise<WebSocket> {
  const headers = { authorization: `Bearer ${callback_token}` }
  const socket = new WebSocket(line_url, 'exportal.worker.v1', { headers })
  await once(socket, 'open')
  say(socket, { type: 'hello', runpod_job_id: `rp-${job_id}`, instance })
  return socket
}

export function say(socket: WebSocket, message: object): void {
  socket.send(JSON.stringify(message))
}

/** Answered by the runtime, after all that was said before. */
export async function ping(socket: WebSocket): Promise<void> {
  socket.send('ping')
  for (;;) if (String((await once(socket, 'message'))[0]) === 'pong') return
}
