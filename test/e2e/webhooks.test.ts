/** Guarantees for other back ends, with real processes: a key creates one job, and its webhooks arrive. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createExports } from '../../client/index.ts'
import { verifyWebhook } from '../../client/webhooks.ts'
import { makeClip } from '../../scripts/clip.ts'
import { freePort } from '../../scripts/stack.ts'
import { ffmpeg } from '../support/node/media.ts'

const POSTS = 50
/** Used by no other test of this service. */
const PROJECT = 4711
const stack = inject('stack')

/** Closes the connection at the first message, as if it were down, and accepts and verifies all later ones. */
class Receiver {
  /** Types of messages. */
  readonly taken: string[] = []
  turnedAway = 0
  readonly #server: Server
  #heard: () => void = () => {}

  constructor() {
    this.#server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      if (this.turnedAway === 0) {
        this.turnedAway++
        request.socket.destroy()
        return
      }
      this.taken.push(await verified(body, request.headers))
      response.writeHead(204).end()
      this.#heard()
    })
  }

  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    return `http://127.0.0.1:${port}/hooks`
  }

  /** Resolves when a message was accepted. */
  async hears(): Promise<void> {
    if (this.taken.length > 0) return
    await new Promise<void>((resolve) => {
      this.#heard = resolve
    })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** By the specification's own library and by ours. */
async function verified(payload: string, headers: IncomingHttpHeaders): Promise<string> {
  const ours = await verifyWebhook({ payload, headers, secret: stack.webhookSecret })
  const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  const theirs = new Webhook(stack.webhookSecret).verify(payload, flat)
  expect(ours).toEqual(theirs)
  const { type }: { type: string } = JSON.parse(payload)
  return type
}

describe.skipIf(!ffmpeg)('another back end', () => {
  const receiver = new Receiver()
  let dir = ''

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'exportal-webhooks-'))
  })

  afterAll(async () => {
    await receiver.close()
    await rm(dir, { recursive: true, force: true })
  })

  it(`that posts ${POSTS} times at once with one key gets one job, one run at RunPod, and one webhook, though its receiver was down`, async () => {
    const webhook_url = await receiver.listen(await freePort(0))
    const exports = createExports({ baseUrl: stack.url })
    await makeClip(join(dir, 'clip.mp4'), 1)
    const clip = new Blob([await readFile(join(dir, 'clip.mp4'))], { type: 'video/mp4' })
    const { video_key } = await exports.uploadVideo(clip, { projectId: PROJECT, filename: 'clip.mp4' })
    const body = JSON.stringify({
      project_id: PROJECT,
      type: 'transcode',
      input_video_key: video_key,
      params: {},
      webhook_url,
    })
    const post = () =>
      fetch(`${stack.url}/api/jobs`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'order-4711' },
        body,
      })
    const answers = await Promise.all(Array.from({ length: POSTS }, post))
    expect(answers.map(({ status }) => status)).toEqual(Array(POSTS).fill(201))
    expect(answers.filter(({ headers }) => !headers.has('Idempotent-Replayed'))).toHaveLength(1)
    const created: { job_id: string }[] = await Promise.all(answers.map((answer) => answer.json()))
    const ids = new Set(created.map(({ job_id }) => job_id))
    expect(ids.size).toBe(1)
    const [id = ''] = ids

    const job = await exports.jobs.waitFor(id)
    expect(job).toMatchObject({ status: 'complete', attempt: 1, round: 1 })
    const list = await (await fetch(`${stack.url}/api/jobs?project_id=${PROJECT}`)).json()
    expect(list.jobs.map((each: { id: string }) => each.id)).toEqual([id])
    const { jobs } = await (await fetch(`${stack.runpodUrl}/jobs`)).json()
    expect(jobs.filter(({ job_id }: { job_id: string }) => job_id === id)).toHaveLength(1)

    // The first try failed; the second follows five seconds later, and is in the log once it was answered.
    await receiver.hears()
    const tries: string[] = []
    while (!tries.includes('webhook_delivered')) {
      const { events } = await exports.jobs.events(id)
      const seen = events.map(({ type }) => type).filter((type) => type.startsWith('webhook_'))
      tries.splice(0, tries.length, ...seen)
    }
    expect(tries).toEqual(['webhook_failed', 'webhook_delivered'])
    expect(receiver.turnedAway).toBe(1)
    expect(receiver.taken).toEqual(['job.complete'])
  })
})
