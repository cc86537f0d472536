/**
 * The fault switches: ways to break on purpose, so that a service can be watched surviving them. They come
 * from three places, the later winning switch by switch: those for all jobs, those sent inside a job
 * (`input.metadata.faults`), and those set for one Exportal job id (`jobs`). A switch is read at the moment it
 * matters, so a change also reaches jobs that were accepted before it.
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

/** The switches that are on; a missing one is off. */
export type FaultSet = v.InferOutput<typeof FaultSet>
/** What `PUT /faults` takes. */
export type FaultsBody = v.InferOutput<typeof Faults>

/** The switches in force, and how often each counted one was used up. */
export class FaultSwitches {
  #body: FaultsBody
  #spent = new Map<string, number>()

  constructor(body: unknown = {}) {
    this.#body = parseFaults(body)
  }

  /** Everything as it was last set. */
  get body(): FaultsBody {
    return this.#body
  }

  /** Replaces all switches and starts every count anew. Throws an Error that says what is wrong with the body. */
  replace(body: unknown): void {
    this.#body = parseFaults(body)
    this.#spent.clear()
  }

  /** The switches for one job. */
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
   * Uses one of the `times` a switch has; false when they are used up. `times` missing means always. The switch
   * `run` set for all jobs counts calls of the endpoint; everything else counts per Exportal job.
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
  // valibot takes an array for an object without keys.
  if (!isObject(body)) throw new Error('Unusable fault switches: body: must be an object')
  const result = v.safeParse(Faults, body)
  if (result.success) return result.output
  const [issue] = result.issues
  throw new Error(`Unusable fault switches: ${v.getDotPath(issue) ?? 'body'}: ${issue.message}`)
}
