/**
 * The settings change to another endpoint while jobs are at the first: real processes of the service, with two
 * simulated RunPods whose answers are set here. Run by `npm run test:lanes`.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createExports } from '../../client/index.ts'
import { type StartedStack, startStack } from '../support/node/started-stack.ts'

type Answer = readonly [status: number, body: object]

/** A simulated RunPod without workers. */
class Endpoint {
  /** The requests received, as `cancel a-2`. */
  readonly calls: string[] = []
  /** By the ids that it assigned. */
  readonly jobs = new Map<string, string>()
  /** False: the key belongs to another account, for which every job and endpoint is unknown. */
  isOurs = true
  obeysCancel = false
  readonly #name: string
  readonly #server = createServer((request, response) => {
    request.resume()
    request.once('end', () => {
      const [status, body] = this.#answer(request)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })

  constructor(name: string) {
    this.#name = name
  }

  /** Its address. */
  async open(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/v2/${this.#name}`
  }

  asked(verb: string, id: string): boolean {
    return this.calls.includes(`${verb} ${id}`)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer({ url = '' }: IncomingMessage): Answer {
    const [, , , verb = '', id = ''] = url.split('/')
    this.calls.push(`${verb} ${id}`.trim())
    if (!this.isOurs) return [404, {}]
    if (verb === 'health') return [200, { jobs: {}, workers: {} }]
    if (verb === 'run') {
      const made = `${this.#name}-${this.jobs.size + 1}`
      this.jobs.set(made, 'IN_QUEUE')
      return [200, { id: made, status: 'IN_QUEUE' }]
    }
    const status = this.jobs.get(id)
    if (status === undefined) return [404, {}]
    if (verb !== 'cancel') return [200, { id, status }]
    if (!this.obeysCancel) return [500, {}]
    this.jobs.set(id, 'CANCELLED')
    return [200, { id, status: 'CANCELLED' }]
  }
}

const a = new Endpoint('a')
const b = new Endpoint('b')
const vars = { RUNPOD_ENDPOINT: '' }
let started: StartedStack | undefined
let client: ReturnType<typeof createExports>

beforeAll(async () => {
  vars.RUNPOD_ENDPOINT = await a.open()
  started = await startStack('endpoints', { vars })
  client = createExports({ baseUrl: started.stack.url })
})
afterAll(async () => {
  await started?.stop()
  a.close()
  b.close()
})

/** The timeout covers the pauses between two tries of a cancel. */
const within = (condition: () => boolean | Promise<boolean>) =>
  expect.poll(condition, { timeout: 90_000, interval: 200 }).toBe(true)

async function aJob(): Promise<string> {
  const file = new Blob(['a video'], { type: 'video/mp4' })
  const { video_key } = await client.uploadVideo(file, { projectId: 1, filename: 'clip.mp4' })
  const body = { project_id: 1, type: 'transcode' as const, input_video_key: video_key }
  const { job_id: id } = await client.jobs.create(body)
  await within(async () => (await client.jobs.get(id)).status === 'queued')
  return id
}

async function recheck(id: string): Promise<void> {
  const answer = await fetch(`${started?.stack.url}/api/admin/jobs/${id}/actions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'recheck', reason: 'The settings have changed.' }),
  })
  expect(answer.status).toBe(200)
}

const statusOf = async (id: string) => (await client.jobs.get(id)).status

it('Jobs at an endpoint that the settings no longer name are asked about and cancelled there alone', async () => {
  const [running, queued, cancelling] = [await aJob(), await aJob(), await aJob()]
  a.jobs.set('a-1', 'IN_PROGRESS')
  await recheck(running)
  await within(async () => (await statusOf(running)) === 'processing')
  await client.jobs.cancel(cancelling)
  await within(() => a.asked('cancel', 'a-3'))
  expect(await statusOf(cancelling)).toBe('cancelling')

  started?.stack.killService()
  vars.RUNPOD_ENDPOINT = await b.open()
  a.calls.length = 0
  a.isOurs = false
  await started?.stack.startService()
  for (const id of [running, queued]) await recheck(id)
  await within(() => ['status a-1', 'status a-2', 'cancel a-3'].every((call) => a.calls.includes(call)))
  // Another wake, so that the results of the first answers are committed.
  for (const id of [running, queued]) await recheck(id)
  await within(() => a.calls.filter((call) => call === 'cancel a-3').length >= 2)
  expect(await Promise.all([running, queued, cancelling].map(statusOf))).toEqual([
    'processing',
    'queued',
    'cancelling',
  ])

  const fourth = await aJob()
  expect(b.jobs.size).toBe(1)
  a.isOurs = true
  a.obeysCancel = true
  for (const id of [running, queued]) await client.jobs.cancel(id)
  for (const id of [running, queued, cancelling])
    await within(async () => (await statusOf(id)) === 'cancelled')
  for (const id of [running, queued, cancelling])
    expect((await client.jobs.events(id)).events.at(-1)).toMatchObject({
      type: 'cancelled',
      data: { confirmed: true },
    })
  expect([...a.jobs.values()]).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED'])
  expect(await statusOf(fourth)).toBe('queued')
  expect(a.calls.filter((call) => call === 'run')).toEqual([])
  expect(b.calls.filter((call) => /a-/.test(call))).toEqual([])
})
