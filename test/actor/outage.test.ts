/**
 * RunPod fails for minutes, in every possible way, with many jobs due: they wait, and one at a time is sent as a probe.
 */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { aCreatedJob, FakeRunpod, ringWhenDue } from '../support/workerd/actors.ts'
import { MINUTE, pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

const JOBS = 20
const STEP_MS = 5 * SECOND
/** One after the other, a minute each. */
const OUTAGES: (() => Response | Promise<Response>)[] = [
  () => new Response('{}', { status: 503 }),
  () => new Response('{}', { status: 401 }),
  () => Promise.reject(new Error('The connection hangs.')),
  () => new Response('{}', { status: 502 }),
]

it('An outage of four minutes ends no job, uses up no attempt, and has one job at a time try', async () => {
  const runpod = new FakeRunpod().install()
  const startedAt = Date.now()
  runpod.answers.set('/run', () => {
    const outage = OUTAGES[Math.floor((Date.now() - startedAt) / MINUTE)]
    if (outage) return outage()
    const id = `rp-${runpod.count('/run')}-u1`
    runpod.jobs.set(id, { id, status: 'IN_QUEUE' })
    return Response.json({ id, status: 'IN_QUEUE' })
  })
  const jobs = await Promise.all(Array.from({ length: JOBS }, () => aCreatedJob()))
  const lane = env.LANE.getByName('default')
  const waiting = new Set(jobs)
  const callsAt: number[] = []
  for (let steps = 0; waiting.size > 0; steps++) {
    if (steps > 200) throw new Error(`${waiting.size} jobs wait still.`)
    const before = runpod.count('/run')
    await runDurableObjectAlarm(lane)
    for (const job of waiting) {
      if (((await job.alarmAt()) ?? Number.POSITIVE_INFINITY) > Date.now()) continue
      await job.ring()
      const { status, attempt } = await job.job()
      expect(['pending', 'queued']).toContain(status)
      expect(attempt).toBeLessThanOrEqual(1)
      if (status === 'queued') waiting.delete(job)
    }
    const isOver = Date.now() - startedAt >= OUTAGES.length * MINUTE
    for (let calls = before; calls < runpod.count('/run') && !isOver; calls++) callsAt.push(Date.now())
    pass(STEP_MS)
  }
  // The first refused job, and then one for each pause: 5, 10, 20 s; a minute; 5, 10, 20 s and so on.
  expect(callsAt.length).toBeLessThanOrEqual(12)
  expect(new Set(callsAt).size).toBe(callsAt.length)
  expect(await lane.inspect()).toMatchObject({ breaker: null, waiting: 0 })
  for (const job of jobs) expect(await job.job()).toMatchObject({ status: 'queued', attempt: 1 })
}, 300_000)

it('An outage without answers uses up no attempt of a lone job, whose lane leaves memory in between', async () => {
  const runpod = new FakeRunpod().install()
  runpod.answers.set('/run', () => Promise.reject(new Error('The connection hangs.')))
  const lane = env.LANE.getByName('default')
  const job = await aCreatedJob()
  const until = Date.now() + 20 * MINUTE
  while (Date.now() < until) {
    await ringWhenDue(job)
    expect(await job.job()).toMatchObject({ status: 'pending' })
    await lane.inspect()
    // Idle for ten seconds: developers.cloudflare.com/durable-objects/concepts/durable-object-lifecycle
    await evictDurableObject(lane)
  }
  expect(await lane.inspect()).toMatchObject({ breaker: { status: null } })
  runpod.answers.clear()
  while ((await job.job()).status === 'pending') await ringWhenDue(job)
  expect(await job.job()).toMatchObject({ status: 'queued', attempt: 1 })
  expect(await lane.inspect()).toMatchObject({ breaker: null })
})
