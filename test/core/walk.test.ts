import { beforeAll, describe, expect, test } from 'vitest'
import type { Effect, Event } from '../../actors/export-job/core/events.ts'
import type { Job } from '../../actors/export-job/core/job.ts'
import { wakeAt } from '../../actors/export-job/core/schedule.ts'
import { findingsOf } from '../../actors/export-job/core/shown/findings.ts'
import { mirrorRowOf } from '../../actors/export-job/core/shown/mirror-row.ts'
import { viewOf } from '../../actors/export-job/core/shown/view.ts'
import { transition } from '../../actors/export-job/core/transition.ts'
import type { Finding } from '../../wire/admin.ts'
import { WAKE } from '../support/node/builders.ts'
import { Arrows, writtenArrows } from './arrows.ts'
import { failing, passTime, silent } from './passing-time.ts'
import { type Edge, PARTS, STATES_OF_A_PART, WHOLE, walk } from './walk.ts'
import { GOLDEN, WalkHash } from './walk-hash.ts'

/**
 * Every event in every state visited, early and due. Each rule collects the edges that violate it, so that a violation
 * is shown with one edge by name; a mutation of the input throws, because everything is frozen. `npm test` walks parts;
 * `npm run test:states` walks everything, and compares the hash of all edges.
 */
const isWhole = process.env.WALK === 'whole'
const ENDED = new Set(['complete', 'error', 'cancelled', 'deleting', 'gone'])
const broken = new Map<string, string>()
const arrows = new Arrows()
const hash = new WalkHash()
const counts = new Map<string, { states: number; edges: number }>()

function rule(name: string, holds: boolean, edge: Edge): void {
  if (holds || broken.has(name)) return
  const { before, event, at, step } = edge
  broken.set(
    name,
    JSON.stringify({ event, at, before, after: step.job, step: { ...step, job: undefined } }, null, 2),
  )
}

const wakes = new WeakMap<Job, number | null>()

/** Cached by job, since most edges leave it unchanged. */
function wakeOf(job: Job): number | null {
  const known = wakes.get(job)
  if (known !== undefined) return known
  const at = wakeAt(job)
  wakes.set(job, at)
  return at
}

function checkEdge(edge: Edge): void {
  const { before, event, at, step } = edge
  arrows.add(edge)
  if (isWhole) hash.add(edge)
  const was = before.phase.status
  const is = step.job.phase.status
  rule('only a wake yields effects', event.type === 'wake' || step.effects.length === 0, edge)
  rule('an unfinished job has a wake time', is === 'gone' || wakeOf(step.job) !== null, edge)
  const raised = step.job.version - before.version
  rule(
    'the version never falls and counts what is shown',
    raised === 0 || (raised === 1 && step.durable),
    edge,
  )
  rule(
    'a log line is durable, and a new version',
    step.log.length === 0 || (step.durable && raised === 1),
    edge,
  )
  rule('a dispatch is committed before it is made', !asks(edge, 'dispatch') || step.durable, edge)
  rule(
    'a job is complete only by an output that was seen',
    is !== 'complete' || was === is || event.type === 'outputSeen',
    edge,
  )
  rule('gone is reached only by archive or erase', is !== 'gone' || was === is || goesBy(event), edge)
  rule('an ended job stays ended', !ENDED.has(was) || stayed(was, is, event), edge)
  rule('gone is for good', was !== 'gone' || is === 'gone', edge)
  rule('facts are not refused', step.reply.ok || isRefusable(event), edge)
  rule('a refusal changes nothing', step.reply.ok || (step.job === before && !step.durable), edge)
  rule('at most one attempt of the round is open', openAttempts(step.job) <= 1, edge)
  rule(
    'progress never falls within an attempt',
    before.attempts.length !== step.job.attempts.length ||
      step.job.progress.percent >= before.progress.percent ||
      event.type === 'retry' ||
      event.type === 'retryNow',
    edge,
  )
  if (INTERVENTIONS.has(event.type) && step.reply.ok) {
    const again = transition(step.job, event, at)
    rule(
      'an intervention that is repeated changes nothing more',
      again.job === step.job && again.reply.ok,
      edge,
    )
  }
  rule(
    'progress of a job that has ended tells its worker to stop',
    event.type !== 'progressed' || !ENDED.has(was) || (step.reply.ok && step.reply.cancel),
    edge,
  )
  checkWebhooks(edge)
  rule(
    'a deleted job asks only for what ends it',
    !isHidden(step.job) || step.effects.every(({ type }) => ENDING.has(type)),
    edge,
  )
  const due = wakeOf(before)
  if (event.type === 'wake' && (due === null || at < due)) {
    const idle = step.job === before && step.effects.length === 0 && !step.durable
    rule('an early wake is nothing', idle, edge)
  }
}

function isSentence({ cause, next }: Finding): boolean {
  return /^[A-Z].*[^.]$/.test(cause) && (next === null || /^[a-z].*[^.]$/.test(next.what))
}

const INTERVENTIONS = new Set<Event['type']>([
  'forceFail',
  'giveUpAttempt',
  'recheck',
  'rewriteRow',
  'extendDeadline',
])

function checkWebhooks(edge: Edge): void {
  const { before, event, at, step } = edge
  const owedBefore = before.outbox.webhooks
  const owed = step.job.outbox.webhooks
  const sent = step.effects.flatMap((effect) => (effect.type === 'deliver' ? [effect.id] : []))
  rule(
    'a webhook is committed before it is sent',
    sent.every((id) => owedBefore.some((each) => each.id === id)),
    edge,
  )
  const leaves = event.type === 'delete' || ('debt' in event && event.debt === 'webhooks')
  rule(
    'a webhook is owed until it was answered, or the job is deleted',
    leaves || owedBefore.every(({ id }) => owed.some((each) => each.id === id)),
    edge,
  )
  const { webhook } = before.request
  const events = webhook ? step.log.filter((line) => webhook.events.includes(line.type)) : []
  rule(
    'every event that is told is owed with it, in its version',
    before.outbox.webhooksRefused ||
      events.every(({ type }) =>
        owed.some((each) => each.event === type && each.at === at && each.told.version === step.job.version),
      ),
    edge,
  )
  rule(
    'nothing is told of a deleted job',
    !isHidden(step.job) || (owed.length === 0 && sent.length === 0),
    edge,
  )
}

/** The effects of a job that is being deleted: a debt that its deletion forgot to drop shows itself here. */
const ENDING = new Set<Effect['type']>(['erase', 'cancelRemote', 'tellLane'])

function isHidden({ phase }: Job): boolean {
  return phase.status === 'deleting' || phase.status === 'gone'
}

function asks({ step }: Edge, type: string): boolean {
  return step.effects.some((effect) => effect.type === type)
}

function goesBy(event: Event): boolean {
  return event.type === 'debtPaid' && (event.debt === 'archive' || event.debt === 'erase')
}

function isRefusable(event: Event): boolean {
  return 'by' in event || event.type === 'completed'
}

function openAttempts(job: Job): number {
  return job.attempts.filter((attempt) => attempt.endedAt === null).length
}

function stayed(was: string, is: string, event: Event): boolean {
  if (was === is || is === 'gone') return true
  if (is === 'deleting') return event.type === 'delete'
  const retried = event.type === 'retry' || event.type === 'retryNow'
  return is === 'pending' && retried && (was === 'error' || was === 'cancelled')
}

function checkState(job: Job, now: number): void {
  const edge: Edge = { before: job, event: WAKE, at: now, step: transition(job, WAKE, now) }
  const hasEnded = ({ phase }: Job) => ENDED.has(phase.status)
  for (const outside of [failing, silent]) {
    const end = passTime({ job, now }, outside, hasEnded, 1_000)
    rule('under silence every job ends', hasEnded(end.job), edge)
    rule('under silence no job wakes often', outside === silent || end.wakes < 100, edge)
  }
  arrows.addTime(job, now)
  const hidden = isHidden(job)
  const view = viewOf(job, () => 0.001)
  rule('every state can be shown, and only those of a deleted job are not', (view === null) === hidden, edge)
  const findings = findingsOf(job, now)
  rule('every state has a finding', findings.length > 0 && findings.every(isSentence), edge)
  rule('every state has a reason', view === null || /^[A-Z].*\.$/.test(view.reason), edge)
  rule('every shown state says what comes next', view === null || view.next_action !== null, edge)
  rule(
    'every state has a row, and only those of a deleted job do not',
    (mirrorRowOf(job) === null) === hidden,
    edge,
  )
}

/** A minute of computation for the whole walk; a busy machine takes many times as long. */
const WALK_MS = 1_200_000

beforeAll(() => {
  for (const [name, start] of Object.entries(isWhole ? WHOLE : PARTS))
    counts.set(name, walk(start, checkEdge, checkState, isWhole ? undefined : STATES_OF_A_PART))
}, WALK_MS)

describe('In every state that a job can reach', () => {
  test('the walk went everywhere', () => {
    const states = isWhole ? { untold: 3_000, told: 400, strayed: 400, lined: 400 } : {}
    for (const [name, least] of Object.entries(states))
      expect(counts.get(name)?.states, name).toBeGreaterThan(least)
    for (const [name, { states }] of counts) expect(states, name).toBeGreaterThan(500)
  })

  test.runIf(isWhole)('no edge is another than it was', () => {
    expect(hash.end()).toBe(GOLDEN)
  })

  test.each([
    'only a wake yields effects',
    'an early wake is nothing',
    'an unfinished job has a wake time',
    'an ended job stays ended',
    'progress of a job that has ended tells its worker to stop',
    'gone is for good',
    'gone is reached only by archive or erase',
    'a job is complete only by an output that was seen',
    'the version never falls and counts what is shown',
    'a log line is durable, and a new version',
    'a dispatch is committed before it is made',
    'facts are not refused',
    'a refusal changes nothing',
    'at most one attempt of the round is open',
    'progress never falls within an attempt',
    'under silence every job ends',
    'under silence no job wakes often',
    'every state can be shown, and only those of a deleted job are not',
    'every state has a reason',
    'every state has a finding',
    'an intervention that is repeated changes nothing more',
    'every shown state says what comes next',
    'every state has a row, and only those of a deleted job do not',
    'a webhook is committed before it is sent',
    'a webhook is owed until it was answered, or the job is deleted',
    'every event that is told is owed with it, in its version',
    'nothing is told of a deleted job',
    'a deleted job asks only for what ends it',
  ])('%s', (name) => {
    expect(broken.get(name)).toBeUndefined()
  })

  test('the page of the state machine shows the arrows that were found', () => {
    expect(writtenArrows()).toBe(arrows.text())
  })

  test('no other rule was broken', () => {
    expect([...broken.keys()]).toEqual([])
  })
})
