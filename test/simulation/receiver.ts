/**
 * The receiver of webhooks: accepts them, refuses them, stops answering, is down for days, or accepts no more. It
 * records what it received, and checks the invariants of webhooks.
 */
import type { Job } from '../../actors/export-job/core/job.ts'
import { bodyOf } from '../../actors/export-job/core/shown/webhook-message.ts'
import type { World } from './world.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** The specification's table, repeated independently. */
const PAUSES_MS = [
  ...[5 * SECOND, 5 * MINUTE, 30 * MINUTE],
  ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR),
]
const PATIENCE_MS = 15 * SECOND
const MAX_BYTES = 20_000
const TOLD_ONCE = 'a webhook that was taken is not sent again'

export interface Heard {
  readonly status: number | null
  readonly retryAfterMs: number | null
}

interface Message {
  /** The earliest instant of the next try, by the log. */
  notBefore: number
  failures: number
  settled: boolean
}

interface Body {
  readonly type: string
  readonly data: { readonly job: { readonly status: string; readonly version: number } }
}

export class Receiver {
  readonly #world: World
  readonly #messages = new Map<string, Message>()
  /** Events committed while the receiver was subscribed: `complete of version 7`. */
  readonly #happened = new Set<string>()
  /** Those of them that it must still receive, unless it has already accepted them. */
  readonly #expected = new Set<string>()
  readonly #taken = new Set<string>()
  readonly #underWay = new Set<string>()
  #refused = false

  constructor(world: World) {
    this.#world = world
  }

  /** The alarm posts a message; `done` is called once. */
  post(id: string, job: Job, done: (heard: Heard) => void): void {
    const { network, watch, actor, wall, clock, chance, plan } = this.#world
    const message = job.outbox.webhooks.find((each) => each.id === id)
    if (!message) return watch.fail('only what is owed is told', id)
    const known = this.#messages.get(id) ?? { notBefore: 0, failures: 0, settled: false }
    this.#messages.set(id, known)
    if (known.settled) watch.fail(TOLD_ONCE, id)
    if (this.#underWay.has(id)) watch.fail(TOLD_ONCE, `${id} is on its way twice`)
    if (this.#refused) watch.fail('a receiver that wants no more is left alone', id)
    if (wall < known.notBefore) watch.fail('the pauses are kept', `${id}, ${known.notBefore - wall} ms early`)
    const status = actor.disk.job?.phase.status
    if (status === 'deleting' || status === 'gone') watch.fail('nothing is told after a delete', id)
    const text = bodyOf(message, job.request, { job: null, output: null })
    const what = this.#read(text)
    this.#underWay.add(id)
    const hear = (heard: Heard) => {
      this.#underWay.delete(id)
      done(heard)
    }
    const lost = { status: null, retryAfterMs: null }
    network.call(
      'receiver',
      PATIENCE_MS,
      () => this.#answer(what),
      (answer) => {
        // A receiver may answer after the timeout, having accepted the message.
        const slow = plan.receiver !== null && chance.percent(plan.receiver.slow) && this.#world.isFaulty
        if (slow) clock.after(PATIENCE_MS, () => hear(lost))
        else hear(answer.kind === 'ok' ? answer.value : lost)
      },
    )
  }

  #read(text: string): string {
    const { watch } = this.#world
    if (new TextEncoder().encode(text).length >= MAX_BYTES) watch.fail('a webhook is small')
    const { type, data }: Body = JSON.parse(text)
    if (type !== `job.${data.job.status}`) watch.fail('a webhook says the job as it was', type)
    const what = nameOf(data.job.status, data.job.version)
    if (!this.#happened.has(what)) watch.fail('a webhook is saved before it is sent', what)
    return what
  }

  #answer(what: string): Heard {
    const { plan, chance, clock, startedAt } = this.#world
    const { receiver } = plan
    if (!receiver) return { status: 200, retryAfterMs: null }
    if (clock.now < startedAt + receiver.downMs) {
      const asksForTime = chance.percent(30)
      return { status: chance.pick(500, 503, 302, 404), retryAfterMs: asksForTime ? 10 * MINUTE : null }
    }
    if (chance.percent(receiver.shut)) return { status: 410, retryAfterMs: null }
    this.#taken.add(what)
    return { status: chance.pick(200, 204), retryAfterMs: null }
  }

  // Commits of the actor

  committed(type: string, version: number, data: Record<string, unknown>): void {
    const { plan, wall, watch } = this.#world
    const id = String(data.delivery)
    const message = this.#messages.get(id)
    if (plan.receiver?.events.includes(type) && !this.#refused) {
      this.#happened.add(nameOf(type, version))
      this.#expected.add(nameOf(type, version))
    }
    switch (type) {
      case 'webhook_failed': {
        if (!message) return
        if (data.status === 410) watch.fail('a receiver that wants no more is left alone', id)
        const pause = PAUSES_MS[message.failures++]
        if (pause === undefined) return watch.fail('a webhook is given up when its table is used up')
        message.notBefore = wall + pause
        return
      }
      case 'webhook_delivered':
        if (message) message.settled = true
        if (!this.#taken.has(whatOf(id))) watch.fail('delivered means taken', id)
        return
      case 'webhook_given_up':
        if (message) message.settled = true
        // Without a status it was dropped for newer ones.
        if (data.status !== undefined && message && message.failures < PAUSES_MS.length)
          watch.fail('a webhook is not given up before its table is used up', id)
        this.#expected.delete(whatOf(id))
        return
      case 'webhook_refused':
        this.#refused = true
        this.#expected.clear()
        return
      case 'webhook_redelivery_requested':
        this.#refused = false
        this.#messages.set(id, { notBefore: 0, failures: 0, settled: false })
        this.#expected.add(whatOf(id))
    }
  }

  /** The process died: answers to its calls are dropped. */
  died(): void {
    this.#underWay.clear()
  }

  /** The job is retired: every message was accepted, or given up with a log line. */
  atRest(): void {
    const missing = [...this.#expected].filter((what) => !this.#taken.has(what))
    if (missing.length > 0) this.#world.watch.fail('what was to be told is told', missing.join())
  }
}

function whatOf(id: string): string {
  const [, version, event = ''] = id.split('.')
  return nameOf(event, Number(version))
}

function nameOf(event: string, version: number): string {
  return `${event} of version ${version}`
}
