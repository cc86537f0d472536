/**
 * Every arrow of the diagram, walked twice: by an actor that stays in memory, and by one that is evicted before each
 * step, so that it has only its stored state. Both must yield the same results.
 */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import {
  type ActorHandle,
  ANYONE,
  aCreatedJob,
  aRequest,
  completed,
  FakeRunpod,
  FIRST,
  progress,
  storeOutput,
} from '../support/workerd/actors.ts'
import { MINUTE, pass, SECOND, T0, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()

interface Walker {
  job: ActorHandle
  runpod: FakeRunpod
}

type Step = (walker: Walker) => unknown

const DAY = 24 * 60 * MINUTE

// Possible steps

const ring: Step = ({ job }) => job.ring()
const after =
  (ms: number): Step =>
  ({ job }) => {
    pass(ms)
    return job.ring()
  }
/** Fires the alarm at its set time. */
const due: Step = async ({ job }) => {
  const at = await job.alarmAt()
  if (at !== null && at > Date.now()) pass(at - Date.now())
  return job.ring()
}
const reports =
  (percent: number, runpodJobId: string | null = null): Step =>
  ({ job }) =>
    job.report({ ...progress(percent), runpodJobId })
const stores: Step = ({ job }) => storeOutput(job)
const completes: Step = ({ job }) => job.report(completed())
const fails =
  (retryable: boolean): Step =>
  ({ job }) =>
    job.report({
      type: 'failed',
      ref: FIRST,
      failure: { code: 'worker_error', message: 'It broke.', retryable },
      runpodJobId: null,
    })
const remote =
  (status: string, error?: string): Step =>
  ({ runpod }) =>
    runpod.jobs.set('rp-1-u1', { id: 'rp-1-u1', status, ...(error && { error }) })
const answers =
  (path: string, status: number): Step =>
  ({ runpod }) =>
    runpod.answers.set(path, () => new Response('no', { status }))
const answersAgain: Step = ({ runpod }) => runpod.answers.clear()
const forgets: Step = ({ runpod }) => runpod.jobs.clear()
const webhook =
  (state: 'running' | 'completed' | 'failed'): Step =>
  ({ job }) => {
    const observation = { state, error: null, usage: null }
    const fact = { type: 'observed', ref: FIRST, source: 'webhook', runpodJobId: 'rp-1-u1' } as const
    return job.stub.observe({ ...fact, observation, health: null })
  }
const cancel: Step = ({ job }) => job.stub.command({ type: 'cancel', by: 'test' }, ANYONE)
const retry: Step = ({ job }) => job.stub.command({ type: 'retry', by: 'test' }, ANYONE)
const remove: Step = ({ job }) => job.stub.command({ type: 'delete', by: 'test' }, ANYONE)

const JOURNEYS: Record<string, { steps: Step[]; ends: string; policy?: object }> = {
  'from birth to retirement': {
    steps: [ring, remote('IN_PROGRESS'), due, due, reports(20), reports(60), stores, completes, ring].concat([
      due,
      after(8 * DAY),
    ]),
    ends: 'gone',
  },
  'by webhooks alone': {
    steps: [ring, webhook('running'), stores, webhook('completed'), ring],
    ends: 'complete',
  },
  'a report before the answer of /run': {
    steps: [answers('/run', 502), ring, reports(5, 'rp-orphan'), stores, completes, ring],
    ends: 'complete',
  },
  'a dispatch that nobody knows of': {
    steps: [answers('/run', 504), ring, answersAgain, due, due, reports(9, 'rp-orphan'), ring],
    ends: 'queued',
  },
  'refused, which uses up no attempt, and then taken': {
    steps: [answers('/run', 503), ring, due, due, due, due, due, due, answersAgain, due, due],
    ends: 'queued',
  },
  'refused for good': { steps: [answers('/run', 400), ring, due], ends: 'error' },
  'a failure, then a second attempt': {
    steps: [ring, reports(50), fails(true), due, due, reports(70), due],
    ends: 'queued',
  },
  'a webhook that says that it failed': { steps: [ring, webhook('failed'), due, due], ends: 'queued' },
  'a file that was there after all': {
    steps: [ring, reports(50), stores, remote('FAILED', 'job timed out after 1 retries'), due, due, due],
    ends: 'complete',
  },
  'silence, alive and then lost': {
    steps: [ring, reports(50), remote('IN_PROGRESS'), due, due, forgets, due, due, due, due],
    ends: 'queued',
  },
  'a completion without a file': {
    steps: [ring, reports(50), completes, due, due, due, due, due, due],
    ends: 'queued',
  },
  'past the execution timeout': {
    steps: [ring, reports(5), remote('IN_PROGRESS'), due, due, due, due, due],
    policy: { executionTimeoutMs: 90 * SECOND },
    ends: 'queued',
  },
  'past the queue timeout': {
    steps: [ring, due, due, due],
    policy: { queueTimeoutMs: 2 * MINUTE },
    ends: 'error',
  },
  'past the deadline': {
    steps: [ring, reports(5), answers('/status', 500), answers('/cancel', 500), after(21 * MINUTE), due],
    policy: { deadlineMs: 20 * MINUTE },
    ends: 'error',
  },
  'cancelled before it was dispatched': { steps: [cancel, due], ends: 'cancelled' },
  'cancelled while a dispatch is in doubt': {
    steps: [answers('/run', 502), ring, cancel, reports(5, 'rp-orphan'), ring, after(2 * MINUTE)],
    ends: 'cancelled',
  },
  'cancelled, and confirmed late': {
    steps: [
      ring,
      reports(5),
      answers('/cancel', 500),
      answers('/status', 500),
      cancel,
      ring,
      due,
      due,
    ].concat([after(11 * MINUTE), answersAgain, due, due]),
    ends: 'cancelled',
  },
  'failed, retried by hand, cancelled, deleted': {
    steps: [ring, reports(5), fails(false), due, retry, ring, cancel, ring, due, remove, ring].concat([
      reports(50),
      after(103 * MINUTE),
      due,
    ]),
    ends: 'gone',
  },
  'cancelled, then wanted after all, then retired': {
    steps: [ring, cancel, ring, due, retry, ring, cancel, ring, due, due, after(8 * DAY), due],
    ends: 'gone',
  },
  'refused for good, then retired': {
    steps: [answers('/run', 400), ring, due, due, after(8 * DAY), due],
    ends: 'gone',
  },
  'complete, deleted before it is retired': {
    steps: [ring, stores, completes, ring, remove, reports(50), ring, after(103 * MINUTE)],
    ends: 'gone',
  },
}

/** What is visible after each step, and finally the log. */
async function walk({ steps, policy }: { steps: Step[]; policy?: object }, evicted: boolean, id: string) {
  vi.setSystemTime(T0)
  const runpod = new FakeRunpod().install()
  const job = await aCreatedJob({ id, policy: { ...aRequest().policy, ...policy } })
  const seen: string[] = []
  let log: string[] = []
  for (const step of steps) {
    await step({ job, runpod })
    const view = await job.stub.view(ANYONE)
    if (evicted) await job.evict()
    const shown = view.found ? await job.job() : null
    seen.push(shown ? `${shown.status} ${shown.round}-${shown.attempt}` : 'gone')
    if (shown) log = await job.types()
  }
  return { seen, log, runs: runpod.count('/run') }
}

/** Removes every trace of the job. */
async function forget(id: string): Promise<void> {
  const stub = env.EXPORT_JOB.getByName(id)
  await runInDurableObject(stub, (_instance, state) => state.storage.deleteAll())
  await evictDurableObject(stub)
  await env.DB.prepare('DELETE FROM export_jobs WHERE id = ?').bind(id).run()
  const { objects } = await env.VIDEOS.list({ prefix: `output/${id}/` })
  await env.VIDEOS.delete(objects.map(({ key }) => key))
  vi.restoreAllMocks()
}

const arrows = new Set<string>()

function follow(seen: string[]): void {
  const statuses = ['pending', ...seen.map((each) => each.split(' ')[0] ?? '')]
  statuses.forEach((to, i) => {
    const from = statuses[i - 1]
    if (from && from !== to) arrows.add(`${from} -> ${to}`)
  })
}

describe('an actor that is evicted between every two steps', () => {
  it.each(Object.entries(JOURNEYS))('%s', async (_name, journey) => {
    // Both walks use one id, from whose hash the pauses derive, so that the alarms fire at the same instants.
    const id = crypto.randomUUID()
    const stayed = await walk(journey, false, id)
    await forget(id)
    const slept = await walk(journey, true, id)
    expect(stayed.seen.at(-1)).toMatch(new RegExp(`^${journey.ends}`))
    expect(slept).toEqual(stayed)
    follow(slept.seen)
  })

  it('has walked every arrow of the diagram', () => {
    expect([...arrows].sort()).toEqual([
      'cancelled -> gone',
      'cancelled -> pending',
      'cancelling -> cancelled',
      'complete -> gone',
      'error -> gone',
      'error -> pending',
      'pending -> cancelled',
      'pending -> cancelling',
      'pending -> complete',
      'pending -> error',
      'pending -> processing',
      'pending -> queued',
      'processing -> cancelling',
      'processing -> complete',
      'processing -> error',
      'processing -> pending',
      'queued -> cancelling',
      'queued -> error',
      'queued -> pending',
      'queued -> processing',
    ])
  })
})

it('A percentage that was shown does not fall when an idle actor leaves memory', async () => {
  new FakeRunpod().install()
  const job = await aCreatedJob()
  await job.ring()
  for (const percent of [10, 40]) {
    await job.report(progress(percent))
    expect(await job.job()).toMatchObject({ progress: percent })
    pass(15 * SECOND)
    await evictDurableObject(job.stub)
    expect(await job.job()).toMatchObject({ progress: percent })
  }
})
