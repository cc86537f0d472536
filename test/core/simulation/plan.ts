/** What one run is made of: everything that may go wrong, how often, until when, and what people ask for meanwhile. */
import * as fc from 'fast-check'
import type { Policy } from '../../../actors/export-job/core/job.ts'
import { WEBHOOK_ENDS, WEBHOOK_EVENTS } from '../../../actors/export-job/core/webhook-message.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export type Service = 'runpod' | 'r2' | 'd1' | 'receiver'
export const COMMANDS = [
  'cancel',
  'retry',
  'delete',
  'retryNow',
  'forceFail',
  'recheck',
  'rewriteRow',
  'extendDeadline',
] as const
export type CommandType = (typeof COMMANDS)[number]

/** Percentages. Those of the network count for each message, those of RunPod and the workers for each job. */
export interface Rates {
  /** The process dies, at each of the many points where it may. */
  readonly crash: number
  readonly evict: number
  readonly lostAlarm: number
  readonly lose: number
  readonly repeat: number
  readonly delay: number
  readonly refuse: number
  readonly reject: number
  /** RunPod takes a job and says that it did not. */
  readonly disown: number
  readonly forget: number
  /** A job is not visible yet in its first seconds. */
  readonly unseen: number
  /** One `/run` makes two jobs. */
  readonly twin: number
  readonly ignoreCancel: number
  readonly longQueue: number
  readonly die: number
  readonly fail: number
  readonly hopeless: number
  /** R2 falls silent just after a file was stored. */
  readonly blackout: number
  readonly lie: number
  readonly mute: number
  readonly hang: number
  readonly anonymous: number
}

export interface Outage {
  readonly service: Service
  readonly afterMs: number
  readonly lengthMs: number
  /** It does not even refuse: every caller waits until its patience ends. */
  readonly silent: boolean
}

/** Whoever is told by webhooks. */
export interface ReceiverPlan {
  readonly events: readonly string[]
  /** It answers with failures for so long. */
  readonly downMs: number
  /** Of a hundred messages, those that it answers with 410. */
  readonly shut: number
  /** It takes the message, but answers when nobody listens any more. */
  readonly slow: number
  /** When a person has a message sent again. */
  readonly again: readonly number[]
}

export interface Plan {
  /** Seeds every choice that the plan leaves open. */
  readonly seed: number
  readonly policy: Policy
  /** Faults happen until then; the world is kind afterwards. */
  readonly faultsMs: number
  readonly rates: Rates
  readonly outages: readonly Outage[]
  readonly commands: readonly { readonly type: CommandType; readonly afterMs: number }[]
  /** The clock of the service jumps, ahead of everybody else's or back. */
  readonly jumps: readonly { readonly afterMs: number; readonly byMs: number }[]
  /** Null when nobody asked to be told. */
  readonly receiver: ReceiverPlan | null
}

/** Mostly absent, sometimes rare, sometimes common: runs that suffer from everything at once show little. */
const rate = (most: number) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: Math.ceil(most / 4) }) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: most }) },
  )

/** What everyone may ask for is asked more often than what only an operator may. */
const commandType = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<CommandType>('cancel', 'retry', 'delete') },
  { weight: 1, arbitrary: fc.constantFrom<CommandType>(...COMMANDS) },
)

/** Soon, or much later: most of what matters happens in the first minutes. */
const moment = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 5 * MINUTE }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 * HOUR }) },
)

/** Never both ways in one run: after a jump back a URL that had expired would be valid again. */
const jumps = (min: number, max: number) =>
  fc.array(fc.record({ afterMs: moment, byMs: fc.integer({ min, max }) }), { maxLength: 2 })

const policy: fc.Arbitrary<Policy> = fc.record({
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  queueTimeoutMs: fc.constantFrom(2 * MINUTE, 10 * MINUTE, HOUR),
  stallTimeoutMs: fc.constantFrom(5 * SECOND, 20 * SECOND, MINUTE, 5 * MINUTE),
  executionTimeoutMs: fc.constantFrom(MINUTE, 5 * MINUTE, 30 * MINUTE),
  deadlineMs: fc.constantFrom(20 * MINUTE, 3 * HOUR, DAY),
  retentionMs: fc.constantFrom(MINUTE, HOUR, 7 * DAY),
})

const rates: fc.Arbitrary<Rates> = fc.record({
  crash: rate(12),
  evict: rate(40),
  lostAlarm: rate(8),
  lose: rate(40),
  repeat: rate(30),
  delay: rate(30),
  refuse: rate(50),
  reject: rate(5),
  disown: rate(20),
  forget: rate(40),
  unseen: rate(60),
  twin: rate(20),
  ignoreCancel: rate(60),
  longQueue: rate(60),
  die: rate(50),
  fail: rate(60),
  hopeless: rate(30),
  blackout: rate(30),
  lie: rate(30),
  mute: rate(100),
  hang: rate(30),
  anonymous: rate(50),
})

const receiver: fc.Arbitrary<ReceiverPlan> = fc.record({
  events: fc.constantFrom(WEBHOOK_ENDS, WEBHOOK_EVENTS),
  downMs: fc.oneof(fc.constantFrom(0, 0, MINUTE, 5 * DAY), fc.integer({ min: SECOND, max: 3 * DAY })),
  shut: rate(20),
  slow: rate(40),
  again: fc.array(moment, { maxLength: 2 }),
})

export const plans: fc.Arbitrary<Plan> = fc.noBias(
  fc.record({
    seed: fc.nat(),
    policy,
    faultsMs: fc.oneof(fc.constantFrom(0, 10 * MINUTE, HOUR), fc.integer({ min: MINUTE, max: 5 * HOUR })),
    rates,
    outages: fc.array(
      fc.record({
        service: fc.constantFrom<Service>('runpod', 'r2', 'd1'),
        silent: fc.boolean(),
        afterMs: moment,
        lengthMs: fc.oneof(
          fc.integer({ min: SECOND, max: 3 * MINUTE }),
          fc.integer({ min: SECOND, max: 2 * HOUR }),
        ),
      }),
      { maxLength: 3 },
    ),
    commands: fc.array(fc.record({ type: commandType, afterMs: moment }), { maxLength: 4 }),
    jumps: fc.oneof(
      { weight: 8, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: jumps(SECOND, 2 * HOUR) },
      { weight: 1, arbitrary: jumps(-30 * MINUTE, -SECOND) },
    ),
    receiver: fc.option(receiver, { freq: 2 }),
  }),
)
