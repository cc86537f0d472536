/**
 * The plan of one run: all faults that may occur, how often and until when, and the commands of people in the meantime.
 */
import * as fc from 'fast-check'
import type { Policy } from '../../actors/export-job/core/job.ts'
import { WEBHOOK_ENDS, WEBHOOK_EVENTS } from '../../actors/export-job/core/shown/webhook-message.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export type Service = 'runpod' | 'r2' | 'd1' | 'receiver' | 'lane'
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

/** Percentages. Those of the network apply to each message, those of RunPod and the workers to each job. */
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
  /** RunPod accepts a job and answers with a refusal. */
  readonly disown: number
  readonly forget: number
  /** A job is not visible in its first seconds. */
  readonly unseen: number
  /** One `/run` creates two jobs. */
  readonly twin: number
  readonly ignoreCancel: number
  readonly longQueue: number
  readonly die: number
  readonly fail: number
  readonly hopeless: number
  /** R2 stops answering just after a file was stored. */
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
  /** It does not even refuse: every caller waits for its timeout. */
  readonly silent: boolean
}

/** The receiver of webhooks. */
export interface ReceiverPlan {
  readonly events: readonly string[]
  /** For how long it answers with failures. */
  readonly downMs: number
  /** Percentage of messages that it answers with 410. */
  readonly shut: number
  /** It accepts the message, but answers after the caller's timeout. */
  readonly slow: number
  /** When a person resends a message. */
  readonly again: readonly number[]
}

export interface Plan {
  /** Seeds every choice that the plan leaves open. */
  readonly seed: number
  readonly policy: Policy
  /** Faults occur until then, and none afterwards. */
  readonly faultsMs: number
  readonly rates: Rates
  readonly outages: readonly Outage[]
  readonly commands: readonly { readonly type: CommandType; readonly afterMs: number }[]
  /** The clock of the service jumps, forward or back. */
  readonly jumps: readonly { readonly afterMs: number; readonly byMs: number }[]
  /** From each instant on, the settings name another endpoint, or none. */
  readonly moves: readonly { readonly afterMs: number; readonly url: string | null }[]
  /** Null without a receiver. */
  readonly receiver: ReceiverPlan | null
}

/** Mostly absent, sometimes rare, sometimes common: runs with all faults at once reveal little. */
const rate = (most: number) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: Math.ceil(most / 4) }) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: most }) },
  )

/** Commands of callers are more frequent than those only for operators. */
const commandType = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<CommandType>('cancel', 'retry', 'delete') },
  { weight: 1, arbitrary: fc.constantFrom<CommandType>(...COMMANDS) },
)

/** Soon, or much later: most of what matters happens in the first minutes. */
const moment = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 5 * MINUTE }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 * HOUR }) },
)

/** Never in both directions in one run: after a jump back, an expired URL would be valid again. */
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

const plan: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat(),
  policy,
  faultsMs: fc.oneof(fc.constantFrom(0, 10 * MINUTE, HOUR), fc.integer({ min: MINUTE, max: 5 * HOUR })),
  rates,
  outages: fc.array(
    fc.record({
      service: fc.constantFrom<Service>('runpod', 'r2', 'd1', 'lane'),
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
  moves: fc
    .array(fc.record({ afterMs: moment, url: fc.constantFrom('a', 'b', null) }), { maxLength: 3 })
    .map((moves) => moves.sort((a, b) => a.afterMs - b.afterMs)),
  receiver: fc.option(receiver, { freq: 2 }),
})

/** Several jobs, and the lane of their common endpoint. */
export interface TownPlan {
  readonly seed: number
  /** Null for any number. */
  readonly places: number | null
  /** Percentage of messages at which the lane dies. */
  readonly laneDeaths: number
  /** By an operator. */
  readonly pauses: readonly { readonly afterMs: number; readonly lengthMs: number }[]
  readonly jobs: readonly Plan[]
}

/** One of many jobs that wait at once: faults occur early or not at all, so that the last jobs wait without faults. */
const planOfMany: fc.Arbitrary<Plan> = fc
  .record({
    plan,
    faultsMs: fc.constantFrom(0, 30 * SECOND, 2 * MINUTE),
    commands: fc.array(
      fc.record({
        type: fc.constantFrom<CommandType>('cancel', 'cancel', 'retry', 'delete'),
        afterMs: fc.integer({ min: 0, max: 2 * MINUTE }),
      }),
      { maxLength: 2 },
    ),
  })
  .map(({ plan, ...rest }) => ({ ...plan, ...rest, outages: [], jumps: [], moves: [], receiver: null }))

/** More jobs than places, of two projects. */
const crowds: fc.Arbitrary<TownPlan> = fc.record({
  seed: fc.nat(),
  places: fc.constantFrom(1, 2),
  laneDeaths: rate(40),
  pauses: fc.constant([]),
  jobs: fc.array(planOfMany, { minLength: 4, maxLength: 8 }),
})

const mixed: fc.Arbitrary<TownPlan> = fc.record({
  seed: fc.nat(),
  places: fc.constantFrom(null, 1, 2),
  laneDeaths: rate(10),
  pauses: fc.oneof(
    { weight: 6, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(fc.record({ afterMs: moment, lengthMs: fc.integer({ min: SECOND, max: HOUR }) }), {
        minLength: 1,
        maxLength: 1,
      }),
    },
  ),
  jobs: fc.oneof(
    { weight: 10, arbitrary: fc.array(plan, { minLength: 1, maxLength: 1 }) },
    { weight: 2, arbitrary: fc.array(plan, { minLength: 2, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(plan, { minLength: 4, maxLength: 6 }) },
  ),
})

export const towns: fc.Arbitrary<TownPlan> = fc.noBias(
  fc.oneof({ weight: 8, arbitrary: mixed }, { weight: 1, arbitrary: crowds }),
)
