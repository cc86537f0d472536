/**
 * A worker's line on the real runtime: its actor hibernates while the line is open and silent, a cancel is received at
 * once, and the death of a process is detected within seconds. The test simulates RunPod and the worker.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { dial, type LinedStack, ping, type Sent, say, startLinedStack } from '../support/node/lined-stack.ts'

/** workerd evicts an idle actor after ten seconds. */
const PINGS = 15
const CANCELS = 20
const KILLS = 10

let lined: LinedStack
beforeAll(async () => {
  lined = await startLinedStack('line')
})
afterAll(() => lined?.stop())

/** The request itself starts an actor that sleeps. */
async function inspected(id: string) {
  const response = await fetch(`${lined.stack.url}/api/admin/jobs/${id}`)
  const body = (await response.json()) as {
    job: { progress: number }
    actor: { instances: number; sockets: { count: number } }
    log: { events: { type: string; at: string }[] }
  }
  return body
}

it('an actor with an open, silent line sleeps through pings, and has lost no progress when it wakes', async () => {
  const input = await lined.aQueuedJob()
  const socket = await dial(input)
  expect(socket.protocol).toBe('exportal.worker.v1')
  say(socket, { type: 'progress', n: 1, progress: 10, stage: 'rendering' })
  say(socket, { type: 'progress', n: 2, progress: 60, stage: 'rendering' })
  await ping(socket)
  const before = await inspected(input.job_id)
  expect(before).toMatchObject({ job: { progress: 60 }, actor: { sockets: { count: 0 } } })
  for (let i = 0; i < PINGS; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await ping(socket)
  }
  const after = await inspected(input.job_id)
  expect(after.actor.instances).toBe(before.actor.instances + 1)
  expect(after.job.progress).toBe(60)
  expect(lined.asked.filter((each) => each === `status rp-${input.job_id}`)).toEqual([])
  const heard = once(socket, 'message')
  await lined.client.jobs.cancel(input.job_id)
  const [told] = await heard
  expect(JSON.parse(String(told))).toEqual({ type: 'stop', reason: 'cancelled' })
})

it('a cancel is heard on the line at once', async () => {
  const waits: number[] = []
  for (let i = 0; i < CANCELS; i++) {
    const input = await lined.aQueuedJob()
    const socket = await dial(input)
    say(socket, { type: 'progress', n: 1, progress: 10 })
    await ping(socket)
    const asked = performance.now()
    const heard = once(socket, 'message').then(() => performance.now())
    await lined.client.jobs.cancel(input.job_id)
    waits.push((await heard) - asked)
  }
  const [p50 = Number.POSITIVE_INFINITY] = waits.sort((a, b) => a - b).slice(CANCELS / 2)
  console.log(
    `cancel → stop on the line: p50 ${Math.round(p50)} ms, slowest ${Math.round(waits.at(-1) ?? 0)} ms`,
  )
  expect(p50).toBeLessThan(1_000)
})

it('a process that is killed with its line is missed within 15 s, each time', async () => {
  const workers: { input: Sent; worker: ChildProcess }[] = []
  for (let i = 0; i < KILLS; i++) {
    const input = await lined.aQueuedJob()
    workers.push({ input, worker: await aWorker(input) })
  }
  const killed = Date.now()
  for (const { worker } of workers) worker.kill('SIGKILL')
  const isAskedAbout = ({ input }: { input: Sent }) => lined.asked.includes(`status rp-${input.job_id}`)
  await eventually(() => workers.every(isAskedAbout))
  const waits: number[] = []
  for (const { input } of workers) {
    const { log } = await inspected(input.job_id)
    waits.push(Date.parse(log.events.find(({ type }) => type === 'line_lost')?.at ?? '') - killed)
  }
  console.log(`SIGKILL → line_lost, ${KILLS} times: ${waits.sort((a, b) => a - b).join(', ')} ms`)
  for (const ms of waits) expect(ms).toBeLessThan(15_000)
})

/** A process with its line open. */
async function aWorker(input: Sent): Promise<ChildProcess> {
  const script = `
    import { WebSocket } from 'ws'
    const { job_id, line_url, callback_token } = ${JSON.stringify(input)}
    const headers = { authorization: 'Bearer ' + callback_token }
    const socket = new WebSocket(line_url, 'exportal.worker.v1', { headers })
    socket.on('open', () => {
      socket.send(JSON.stringify({ type: 'hello', runpod_job_id: 'rp-' + job_id, instance: 'a' }))
      socket.send('ping')
    })
    socket.on('message', () => console.log('pong'))`
  const worker = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(worker.stdout, 'data')
  return worker
}
