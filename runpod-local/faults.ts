/**
 * The fault switches: deliberate failures, to observe how a service survives them. They come from three sources, the
 * later overriding single switches of the earlier: those for all jobs, those sent inside a job
 * (`input.metadata.faults`), and those set for one Exportal job id (`jobs`). A switch is read when it takes effect, so
 * a change also applies to jobs that were accepted before it.
 */
import * as v from 'valibot'
import { isObject, type JobLabel } from './job.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const ms = v.pipe(v.number(), v.minValue(0), v.maxValue(2 ** 31 - 1))
const percent = v.pipe(v.number(), v.minValue(0), v.maxValue(100))

const switches = {
  webhook: v.optional(
    v.strictObject({
      drop: v.optional(v.boolean()),
      delay_ms: v.optional(ms),
      duplicate: v.optional(v.boolean()),
      on_cancel: v.optional(v.boolean()),
    }),
  ),
  drop_progress: v.optional(v.boolean()),
  drop_complete: v.optional(v.boolean()),
  drop_error: v.optional(v.boolean()),
  line: v.optional(
    v.strictObject({
      refuse: v.optional(v.boolean()),
      cut_every_ms: v.optional(ms),
      drop_acks: v.optional(v.boolean()),
      duplicate: v.optional(v.boolean()),
      late_ms: v.optional(ms),
      slow_ms: v.optional(ms),
    }),
  ),
  stall: v.optional(
    v.strictObject({ at_progress: v.optional(percent), ms: v.optional(ms), times: v.optional(count) }),
  ),
  crash: v.optional(v.strictObject({ at_progress: v.optional(percent), times: v.optional(count) })),
  fail: v.optional(
    v.strictObject({
      times: v.optional(count),
      message: v.optional(v.string()),
      code: v.optional(v.string()),
      should_retry: v.optional(v.boolean()),
    }),
  ),
  cancel: v.optional(v.picklist(['ignore', 'refuse'])),
  run: v.optional(
    v.strictObject({
      status: v.optional(v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599))),
      retry_after_seconds: v.optional(count),
      delay_ms: v.optional(ms),
      lose_answer: v.optional(v.boolean()),
      times: v.optional(count),
    }),
  ),
  forget: v.optional(v.boolean()),
  hold_queue: v.optional(v.boolean()),
  timed_out: v.optional(v.boolean()),
}

const FaultSet = v.strictObject(switches)
const Faults = v.strictObject({ ...switches, jobs: v.optional(v.record(v.string(), FaultSet)) })

/** The switches that are on; an absent one is off. */
export type FaultSet = v.InferOutput<typeof FaultSet>
/** The body of `PUT /faults`. */
export type FaultsBody = v.InferOutput<typeof Faults>

/** The current switches, and how often each counted one was used. */
export class FaultSwitches {
  #body: FaultsBody
  #spent = new Map<string, number>()

  constructor(body: unknown = {}) {
    this.#body = parseFaults(body)
  }

  /** All switches as last set. */
  get body(): FaultsBody {
    return this.#body
  }

  /** Replaces all switches and resets every count. Throws an Error that describes an invalid body. */
  replace(body: unknown): void {
    this.#body = parseFaults(body)
    this.#spent.clear()
  }

  /** The effective switches of one job. */
  of(label: JobLabel): FaultSet {
    const { jobs: _, ...everyone } = this.#body
    const own = v.safeParse(FaultSet, label.ownFaults)
    return {
      ...everyone,
      ...(own.success && own.output),
      ...this.#ofJob(label),
    }
  }

  /**
   * Uses one of a switch's `times`; false when they are used up. Without `times` there is no limit. The switch `run`
   * for all jobs counts calls of the endpoint; every other switch counts per Exportal job.
   */
  spend(name: 'run' | 'fail' | 'crash' | 'stall', label: JobLabel, times: number | undefined): boolean {
    if (times === undefined) return true
    const shared = name === 'run' && !this.#setForJob(label)
    const key = `${name} ${shared ? '' : label.jobId}`
    const spent = this.#spent.get(key) ?? 0
    if (spent >= times) return false
    this.#spent.set(key, spent + 1)
    return true
  }

  #setForJob(label: JobLabel): boolean {
    const own = v.safeParse(FaultSet, label.ownFaults)
    return (own.success && own.output.run !== undefined) || this.#ofJob(label)?.run !== undefined
  }

  #ofJob({ jobId }: JobLabel): FaultSet | undefined {
    return new Map(Object.entries(this.#body.jobs ?? {})).get(jobId ?? '')
  }
}

function parseFaults(body: unknown): FaultsBody {
  // valibot accepts an array as an object without keys.
  if (!isObject(body)) throw new Error('Unusable fault switches: body: must be an object')
  const result = v.safeParse(Faults, body)
  if (result.success) return result.output
  const [issue] = result.issues
  throw new Error(`Unusable fault switches: ${v.getDotPath(issue) ?? 'body'}: ${issue.message}`)
}
