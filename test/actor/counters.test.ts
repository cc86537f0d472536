/**
 * The counters of `/api/admin/metrics`: whatever happens to jobs, their actors and the list, they report the number of
 * ended rounds by outcome, with their attempts, GPU seconds and webhook tries.
 */
import { env } from 'cloudflare:workers'
import { beforeEach, expect, it, vi } from 'vitest'
import { countedAttempts, latestAttempt } from '../../actors/export-job/core/attempts.ts'
import type { Job } from '../../actors/export-job/core/job.ts'
import { costsOf, NO_PRICES } from '../../actors/export-job/core/shown/costs.ts'
import { errorOf } from '../../actors/export-job/core/shown/facts.ts'
import type { CounterRow } from '../../src/admin/metric-families.ts'
import { readMetrics } from '../../src/d1/metrics.ts'
import { Chance } from '../support/chance.ts'
import {
  aFailure,
  aRequest,
  CANCEL,
  completed,
  FORCE_FAIL,
  failed,
  MINUTE,
  observed,
  progressed,
  RETRY,
  REWRITE_ROW,
  SECOND,
  someUsage,
} from '../support/node/builders.ts'
import { bindings } from '../support/workerd/http.ts'
import { type Faults, flaky, Life } from '../support/workerd/lives.ts'

const HOUR = 60 * MINUTE
const HOOK = { url: 'https://hooks.example.com/exports', events: ['processing', 'complete', 'error'] }

beforeEach(async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
  await env.DB.batch([env.DB.prepare('DELETE FROM job_counters'), env.DB.prepare('DELETE FROM export_jobs')])
  return () => vi.restoreAllMocks()
})

type Figures = Omit<CounterRow, 'status' | 'type' | 'code'>
const FIGURES = [
  'ended',
  'attempts',
  'webhooks_taken',
  'webhooks_failed',
  'gpu_seconds',
  'wasted_seconds',
] as const

async function counters(): Promise<CounterRow[]> {
  return (await readMetrics(bindings(), Date.now())).counters
}

function sum(rows: readonly Partial<Figures>[]): Figures {
  const total = (name: keyof Figures) =>
    Math.round(rows.reduce((all, row) => all + (row[name] ?? 0), 0) * 1000) / 1000
  return Object.fromEntries(FIGURES.map((name) => [name, total(name)])) as unknown as Figures
}

/** Ends and attempts by outcome, type and code, without zeros. */
function byOutcome(
  rows: readonly (Pick<CounterRow, 'status' | 'type' | 'code'> & { ended: number; attempts: number })[],
) {
  const found: Record<string, [ended: number, attempts: number]> = {}
  for (const { status, type, code, ended, attempts } of rows) {
    const name = [status, type, code].join(' ')
    const [e, a] = found[name] ?? [0, 0]
    if (ended > 0) found[name] = [e + ended, a + attempts]
  }
  return found
}

function endsOf({ log, request: { type } }: Life) {
  return log.flatMap(({ line, job }) => {
    const { status } = job.phase
    if (line.type !== status || (status !== 'complete' && status !== 'error' && status !== 'cancelled'))
      return []
    return [{ status, type, code: errorOf(job)?.code ?? '', ended: 1, attempts: countedAttempts(job) }]
  })
}

/** The expected figures of an ended job. */
function truthOf(life: Life): Figures {
  const { gpu_seconds, wasted_seconds } = costsOf(life.job, NO_PRICES)
  const { taken: webhooks_taken = 0, failed: webhooks_failed = 0 } = life.job.deliveries ?? {}
  const ends = endsOf(life)
  const attempts = ends.reduce((all, end) => all + end.attempts, 0)
  return { ended: ends.length, attempts, gpu_seconds, wasted_seconds, webhooks_taken, webhooks_failed }
}

/** Each life has its own source of randomness, so that several can run side by side. */
function aLife(n: number, faults: Faults): Life {
  const chance = new Chance(n)
  const id = `0192f000-0000-7000-8000-${String(n).padStart(12, '0')}`
  const type = chance.pick(['overlay', 'trim', 'crop'])
  const webhook = chance.happens(0.3) ? HOOK : null
  return new Life(
    aRequest({ id, type, webhook, createdAt: Date.now() }),
    chance,
    flaky(env.DB, chance, faults),
  )
}

/** RunPod's own figures exceed those measured here: it counts from before the first report. */
function billed(job: Job, chance: Chance) {
  const attempt = latestAttempt(job)
  if (!attempt || attempt.runningAt === null || attempt.usage) return null
  const seen = (attempt.remoteEndedAt ?? attempt.endedAt ?? attempt.runningAt) - attempt.runningAt
  const executionMs = seen + Math.round(chance.between(0, 20 * SECOND))
  const { runpodJobId } = attempt
  return observed('completed', {
    ref: attempt,
    runpodJobId,
    source: 'webhook',
    usage: someUsage({ executionMs }),
  })
}

/** One random event of a job. */
async function step(life: Life): Promise<void> {
  const { chance } = life
  life.now += Math.round(chance.between(0, 40 * SECOND))
  const { job } = life
  const attempt = latestAttempt(job)
  const roll = chance.next()
  if (roll < 0.1) await life.restart()
  else if (roll < 0.15) life.apply(REWRITE_ROW)
  else if (life.ended) {
    const late = roll < 0.5 ? billed(job, chance) : null
    if (late) life.apply(late)
    // A round whose end was never written to the list is covered by another test.
    else if (roll > 0.8 && job.phase.status !== 'complete' && !job.outbox.mirror) life.apply(RETRY)
  } else if (roll < 0.2) life.apply(CANCEL)
  else if (roll < 0.23 && job.phase.status !== 'cancelling') life.apply(FORCE_FAIL)
  else if (attempt && attempt.endedAt === null && roll < 0.9) {
    if (attempt.runningAt === null || roll < 0.5) life.apply(progressed(50, { ref: attempt }))
    else if (roll < 0.7) life.apply(completed({ ref: attempt }))
    else
      life.apply(
        failed({
          ref: attempt,
          failure: aFailure({
            code: chance.pick(['worker_error', 'out_of_memory', 'invalid_media']),
            retryable: chance.happens(0.7),
          }),
        }),
      )
  }
  await life.ring(10 * MINUTE)
}

/** Runs the life until it has ended and owes nothing, on a D1 that answers. */
async function settle(life: Life): Promise<void> {
  for (let n = 0; n < 200 && !life.ended; n++) {
    if (!(await life.ring(Number.POSITIVE_INFINITY))) break
  }
  for (let n = 0; n < 50 && (await life.ring(30 * HOUR)); n++);
  expect([life.ended, life.job.outbox.mirror]).toEqual([true, null])
}

/** Groups of a hundred, of which every other one loses the list; `npm run test:fuzz` lives more of them. */
const LIVES = Math.max(400, Number(env.FUZZ_RUNS ?? 0))

it('are the truth after hundreds of ends, with restarts, retries, late figures, a D1 that fails and a wiped list', {
  timeout: 120_000,
}, async () => {
  const faults = { refused: 0.1, unsaid: 0.1 }
  const lives: Life[] = []
  let before = sum([])
  for (let n = 0; n < LIVES; n += 100) {
    const isWiped = n % 200 === 100
    // A write whose answer was lost before the list was lost is counted twice: nothing records it any more.
    faults.unsaid = isWiped ? 0 : 0.1
    const group = Array.from({ length: 100 }, (_, i) => aLife(n + i, faults))
    lives.push(...group)
    await Promise.all(group.map((life) => life.begin()))
    for (let i = 0; i < 10; i++) {
      await Promise.all(group.map(step))
      if (isWiped && i === 5) await env.DB.exec('DELETE FROM export_jobs')
    }
    faults.unsaid = 0
    await Promise.all(group.map(settle))
    const now = sum(await counters())
    for (const name of FIGURES) expect(now[name], name).toBeGreaterThanOrEqual(before[name])
    before = now
  }
  expect(byOutcome(await counters())).toEqual(byOutcome(lives.flatMap(endsOf)))
  expect(sum(await counters())).toEqual(sum(lives.map(truthOf)))
  expect(lives.flatMap(endsOf).length).toBeGreaterThan(1.25 * LIVES)
  expect(Math.max(...lives.map(({ job }) => job.round))).toBeGreaterThan(2)
})

/** One round that ended in error after a minute on a GPU, and is in the list. */
async function aFailedLife(faults: Faults = { refused: 0, unsaid: 0 }): Promise<Life> {
  const life = new Life(
    aRequest({ id: crypto.randomUUID(), createdAt: Date.now() }),
    new Chance(1),
    flaky(env.DB, new Chance(1), faults),
  )
  await life.begin()
  await life.ring(MINUTE)
  life.apply(progressed(1))
  life.now += MINUTE
  life.apply(failed({ failure: aFailure({ retryable: false }) }))
  return life
}

it('never fall when RunPod bills less than was seen, and grow again once that is made up for', async () => {
  const life = await aFailedLife()
  await settle(life)
  expect(sum(await counters())).toMatchObject({ gpu_seconds: 60, wasted_seconds: 60 })
  const usage = someUsage({ executionMs: 50 * SECOND })
  life.apply(observed('failed', { ref: { round: 1, attempt: 1 }, source: 'webhook', usage }))
  await settle(life)
  expect(sum(await counters())).toMatchObject({ gpu_seconds: 60, wasted_seconds: 60 })
  await settle(await aFailedLife())
  expect(sum(await counters())).toMatchObject({ ended: 2, gpu_seconds: 110, wasted_seconds: 110 })
})

it('tell of an end that the list did not see before the next round began, though not how it was', async () => {
  const faults = { refused: 1, unsaid: 0 }
  const life = await aFailedLife(faults)
  await life.ring(0)
  life.apply(RETRY)
  faults.refused = 0
  await life.ring(10 * MINUTE)
  while (life.job.outbox.mirror) await life.ring(10 * MINUTE)
  expect(await counters()).toMatchObject([{ status: 'open', code: '', ended: 1, gpu_seconds: 60 }])
})

it('take a thousand different codes, and call the others other', async () => {
  await env.DB.exec(
    `INSERT INTO job_counters WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
     SELECT 'error', 'overlay', 'code_' || i, 1, 1, 0, 0, 0, 0, 0, 0 FROM n`.replaceAll('\n', ' '),
  )
  for (let n = 0; n < 3; n++) {
    const life = await aFailedLife()
    await settle(life)
    await env.DB.prepare(`UPDATE export_jobs SET round = 2, error_code = ? WHERE id = ?`)
      .bind(`new_${n}`, life.request.id)
      .run()
  }
  const rows = await counters()
  const ended = (code: string) => rows.find((row) => row.code === code)?.ended
  expect([rows.length, ended('worker_error'), ended('other')]).toEqual([1_001, 3, 3])
})
