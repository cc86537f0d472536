import { describe, expect, test } from 'vitest'
import { MAX_OWED, MAX_SETTLED, WEBHOOK_PAUSES_MS } from '../../actors/export-job/core/debts/webhooks.ts'
import { clocks } from '../../actors/export-job/core/schedule.ts'
import { mirrorRowOf } from '../../actors/export-job/core/shown/mirror-row.ts'
import { viewOf } from '../../actors/export-job/core/shown/view.ts'
import { WEBHOOK_EVENTS } from '../../actors/export-job/core/shown/webhook-message.ts'
import type { WebhookEvent } from '../../wire/events.ts'
import {
  CANCEL,
  cancelAnswered,
  DELETE,
  delivered,
  deliveryFailed,
  HOOK,
  HOUR,
  MINUTE,
  progressed,
  RETRY,
  redeliver,
  ref,
  SECOND,
  T0,
} from '../support/node/builders.ts'
import { given, type Story } from '../support/node/given.ts'
import {
  aCancelledJob,
  aCompleteJob,
  acknowledged,
  aDispatchingJob,
  aFailedJob,
  anAcceptedJob,
  aQueuedJob,
  aRunningJob,
  aSecondAttempt,
} from '../support/node/stages.ts'

const telling = (...events: WebhookEvent[]) => ({ webhook: { ...HOOK, events } })
const ALL = telling(...WEBHOOK_EVENTS)
const owedBy = (story: Story) => story.job.outbox.webhooks
const idOf = (story: Story) => owedBy(story)[0]?.id ?? 'none'

/** Wakes until the message is sent again, and the try fails. */
function failsAgain(story: Story, overrides: Parameters<typeof deliveryFailed>[1] = {}): Story {
  const due = owedBy(story)[0]?.dueAt ?? story.now
  const sent = story.wakes(due).then({ effects: ['deliver'] })
  return acknowledged(sent.when(deliveryFailed(idOf(sent), overrides), sent.now + SECOND))
}

describe('A webhook is owed', () => {
  test.each<[WebhookEvent, () => Story]>([
    ['queued', () => aQueuedJob(ALL)],
    ['processing', () => aRunningJob(ALL)],
    ['complete', () => aCompleteJob(ALL)],
    ['error', () => aFailedJob(ALL)],
    ['cancelled', () => aCancelledJob(ALL)],
  ])('for the event %s', (event, come) => {
    const story = come()
    const message = owedBy(story).at(-1)
    expect(message).toMatchObject({ event, tries: 0, told: { status: event } })
    expect(message?.dueAt).toBe(message?.at)
  })

  test('only for events that were asked for, and not at all when nobody asked', () => {
    expect(owedBy(aCompleteJob(ALL)).map((each) => each.event)).toEqual(['queued', 'processing', 'complete'])
    expect(owedBy(aCompleteJob(telling('complete'))).map((each) => each.event)).toEqual(['complete'])
    expect(owedBy(aCompleteJob(telling('error', 'cancelled')))).toEqual([])
    expect(owedBy(aCompleteJob())).toEqual([])
  })

  test('for each attempt that comes to it, under an id of its own', () => {
    const messages = owedBy(aSecondAttempt(telling('processing')))
    expect(messages.map((each) => each.told)).toMatchObject([{ attempt: 1 }, { attempt: 2 }])
    expect(new Set(messages.map((each) => each.id)).size).toBe(2)
  })

  test('durably and before it is sent: the step that owes it sends nothing', () => {
    const story = aDispatchingJob(ALL).when({ type: 'dispatched', ref: ref(), runpodJobId: 'rp' })
    story.then({ durable: true, effects: [] })
    story.wakes().then({ effects: ['deliver'] })
  })

  test('in the version of its event, and stays as it was then', () => {
    const queued = aQueuedJob(ALL)
    const version = queued.job.version
    expect(owedBy(queued)[0]).toMatchObject({ id: `job-1.${version}.queued`, told: { version, progress: 0 } })
    const running = queued.when(progressed(70), queued.now + MINUTE)
    expect(owedBy(running)[0]).toEqual(owedBy(queued)[0])
  })
})

describe('A try', () => {
  test('that the receiver takes ends it, with a line on the log', () => {
    const story = aCompleteJob(telling('complete')).wakes()
    const id = idOf(story)
    const done = story.when(delivered(id, 204), story.now + SECOND)
    done.then({ log: ['webhook_delivered'], durable: true, outbox: { webhooks: [] } })
    expect(done.logged('webhook_delivered').data).toEqual({
      delivery: id,
      event: 'complete',
      tries: 1,
      status: 204,
      latency_ms: 40,
    })
  })

  test('that fails is said on the log, with its code, latency and when the next one comes', () => {
    const story = failsAgain(aCompleteJob(telling('complete')))
    expect(owedBy(story)[0]).toMatchObject({ tries: 1 })
    const sent = aCompleteJob(telling('complete')).wakes()
    const failed = sent.when(deliveryFailed(idOf(sent), { status: 302, detail: 'It redirects (302).' }))
    expect(failed.logged('webhook_failed').data).toEqual({
      delivery: idOf(sent),
      event: 'complete',
      tries: 1,
      status: 302,
      latency_ms: 40,
      detail: 'It redirects (302).',
      next_try_at: new Date(owedBy(failed)[0]?.dueAt ?? 0).toISOString(),
    })
  })

  test('is not made again while it is under way, but is when the process died', () => {
    const story = aCompleteJob(telling('complete'))
    const sent = story.wakes().then({ effects: ['deliver'], durable: false })
    sent.wakes(sent.now).then({ effects: [] })
    story.wakes(story.now + SECOND).then({ effects: ['deliver'] })
  })

  test('comes after the pauses of the specification, each longer by at most a tenth', () => {
    const table = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, ...[2, 5, 10, 14, 20, 24].map((h) => h * HOUR)]
    expect(WEBHOOK_PAUSES_MS).toEqual(table)
    let story = aCompleteJob(telling('complete'))
    const [owed] = owedBy(story)
    expect(owed?.dueAt).toBe(owed?.at)
    for (const pause of table) {
      story = failsAgain(story)
      const waits = (owedBy(story)[0]?.dueAt ?? 0) - story.now
      expect(waits).toBeGreaterThanOrEqual(pause)
      expect(waits).toBeLessThanOrEqual(pause * 1.1)
    }
    const last = failsAgain(story).then({ log: [], outbox: { webhooks: [] } })
    expect(last.job.outbox.webhooksSettled).toHaveLength(1)
  })

  test('is the last one when the table is used up, and the log says so', () => {
    let story = aCompleteJob(telling('complete'))
    for (const _ of WEBHOOK_PAUSES_MS) story = failsAgain(story)
    const sent = story.wakes(owedBy(story)[0]?.dueAt)
    const given = sent.when(deliveryFailed(idOf(sent)))
    given.then({ log: ['webhook_given_up'] })
    expect(given.logged('webhook_given_up').data).toMatchObject({ tries: 10, status: 500 })
  })

  test.each([
    ['longer than the table', 20 * MINUTE, 20 * MINUTE, 20 * MINUTE],
    ['shorter than the table', 100, 5 * SECOND, 5.5 * SECOND],
  ])('obeys a Retry-After that is %s', (_which, retryAfterMs, least, most) => {
    const story = failsAgain(aCompleteJob(telling('complete')), { status: 429, retryAfterMs })
    const waits = (owedBy(story)[0]?.dueAt ?? 0) - story.now
    expect(waits).toBeGreaterThanOrEqual(least)
    expect(waits).toBeLessThanOrEqual(most)
  })

  test('of many goes out a few at once', () => {
    const sent = aManyMessages(10).wakes(T0)
    expect(sent.last?.effects.filter((each) => each.type === 'deliver')).toHaveLength(4)
    const rest = sent.wakes(sent.now)
    expect(rest.last?.effects.filter((each) => each.type === 'deliver')).toHaveLength(4)
  })
})

describe('A receiver that answers 410', () => {
  test('is told nothing more', () => {
    const story = aRunningJob(ALL).wakes(T0 + 11 * SECOND)
    const gone = story.when(deliveryFailed(idOf(story), { status: 410, gone: true }))
    gone.then({ log: ['webhook_refused'], outbox: { webhooks: [], webhooksRefused: true } })
    const cancelled = acknowledged(gone.when(CANCEL, gone.now + SECOND).wakes())
    cancelled.when(cancelAnswered('ended'))
    expect(owedBy(cancelled)).toEqual([])
  })

  test('hears again when a person asks for it', () => {
    const story = aRunningJob(ALL).wakes(T0 + 11 * SECOND)
    const id = idOf(story)
    const gone = story.when(deliveryFailed(id, { status: 410, gone: true }))
    gone
      .when(redeliver(id))
      .then({ outbox: { webhooksRefused: false } })
      .wakes()
      .effect('deliver')
  })
})

describe('An ended job', () => {
  test('waits with its retirement until nothing is owed to the receiver', () => {
    const story = aCompleteJob({ ...telling('complete'), policy: { retentionMs: MINUTE } })
    expect(clocks(story.job).map((clock) => clock.name)).toEqual(['webhook'])
    const failed = failsAgain(failsAgain(story))
    expect(failed.wakes(failed.now + 2 * MINUTE).last?.effects).toEqual([])
    const sent = failed.wakes(owedBy(failed)[0]?.dueAt)
    const done = acknowledged(sent.when(delivered(idOf(sent)), sent.now + SECOND))
    expect(clocks(done.job).map((clock) => clock.name)).toEqual(['retention'])
    done.wakes().then({ effects: ['archive'] })
  })

  test('says in the list when its next try is due, so that the sweep finds it when its alarm was lost', () => {
    const story = failsAgain(aCompleteJob(telling('complete')))
    expect(mirrorRowOf(story.job)?.due_at).toBe(owedBy(story)[0]?.dueAt)
  })

  test('says that the receiver is told again', () => {
    const story = failsAgain(aCompleteJob(telling('complete')))
    expect(viewOf(story.job)?.next_action?.what).toBe('tell the webhook’s receiver again')
  })

  test('that is deleted sends nothing more, also when a try was under way', () => {
    const story = aCompleteJob(telling('complete')).wakes()
    const id = idOf(story)
    const deleted = story.when(DELETE)
    deleted.then({ outbox: { webhooks: [], webhooksSettled: [] } })
    deleted.when(deliveryFailed(id)).then({ unchanged: true })
    deleted.when(delivered(id)).then({ unchanged: true })
    deleted.when(redeliver(id)).then({ reply: { ok: false, code: 'job_deleting' }, unchanged: true })
  })

  test('that is retried tells of the end of each round', () => {
    const failed = aFailedJob(telling('error', 'cancelled'))
    const again = failed.when(RETRY, failed.now + SECOND).when(CANCEL, failed.now + 2 * SECOND)
    expect(owedBy(again).map((each) => [each.event, each.told.round])).toEqual([
      ['error', 1],
      ['cancelled', 2],
    ])
  })
})

describe('Sent again by hand', () => {
  const settled = () => {
    const story = aCompleteJob(telling('complete')).wakes()
    return acknowledged(story.when(delivered(idOf(story)), story.now + SECOND))
  }
  const id = (story: Story) => story.job.outbox.webhooksSettled[0]?.id ?? 'none'

  test('is a message that was delivered: the same, at once, by the whole table', () => {
    const done = settled()
    const [before] = done.job.outbox.webhooksSettled
    const again = done.when(redeliver(id(done)), done.now + HOUR)
    again.then({ log: ['webhook_redelivery_requested'], reply: { ok: true } })
    expect(owedBy(again)).toEqual([{ ...before, tries: 0, dueAt: again.now }])
    acknowledged(again)
      .wakes()
      .then({ effects: ['deliver'] })
  })

  test('is a message that was given up', () => {
    let story = aCompleteJob(telling('complete'))
    for (let tries = 0; tries < 10; tries++) story = failsAgain(story)
    story.when(redeliver(id(story))).then({ reply: { ok: true }, outbox: { webhooksSettled: [] } })
  })

  test('is a message that waits for its next try', () => {
    const waiting = failsAgain(failsAgain(aCompleteJob(telling('complete'))))
    const again = waiting.when(redeliver(idOf(waiting)))
    expect(owedBy(again)).toMatchObject([{ tries: 0, dueAt: waiting.now }])
  })

  test('is refused for a message that is not there, and for a job that asked for none', () => {
    const missing = { ok: false, code: 'delivery_not_found' }
    settled().when(redeliver('other')).then({ reply: missing, unchanged: true })
    const none = { ok: false, code: 'no_webhook' }
    aCompleteJob().when(redeliver('x')).then({ reply: none, unchanged: true })
  })
})

describe('The messages kept', () => {
  test('are bounded: the oldest owed ones are given up, with a line', () => {
    const many = aManyMessages(MAX_OWED)
    expect(owedBy(many)).toHaveLength(MAX_OWED)
    const [oldest] = owedBy(many)
    const more = many.when(CANCEL)
    expect(owedBy(more)).toHaveLength(MAX_OWED)
    expect(more.logged('webhook_given_up').data).toMatchObject({ delivery: oldest?.id })
    expect(more.job.outbox.webhooksSettled.at(-1)?.id).toBe(oldest?.id)
  })

  test('are bounded once they are settled: the oldest are forgotten', () => {
    let story = aManyMessages(MAX_SETTLED + 5)
    for (const { id } of owedBy(story)) story = story.when(delivered(id))
    expect(story.job.outbox.webhooksSettled).toHaveLength(MAX_SETTLED)
    expect(story.job.outbox.webhooksSettled.at(-1)?.id).toBe('m-24')
  })
})

/** Accepted, with this many messages owed. */
function aManyMessages(count: number): Story {
  const { job } = anAcceptedJob(ALL)
  const [message] = owedBy(aQueuedJob(ALL))
  if (!message) throw new Error('nothing is owed')
  const webhooks = Array.from({ length: count }, (_, i) => ({ ...message, id: `m-${i}`, dueAt: T0 }))
  return given({ ...job, outbox: { ...job.outbox, webhooks } })
}
