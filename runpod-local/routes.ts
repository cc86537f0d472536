/** RunPod's operations under `/v2/{endpoint}` and their answers (runpod/docs, operation-reference). */
import type { IncomingMessage } from 'node:http'
import type { AttachedWorkers } from './attached.ts'
import { type Clock, pause } from './clock.ts'
import type { Endpoint } from './endpoint.ts'
import type { FaultSwitches } from './faults.ts'
import { envelope, isFinal, type Job, type JsonObject, labelOf, sizeLimit } from './job.ts'
import { parseJobRequest, Refusal, readJson } from './request.ts'

/** How long `/runsync` and `/status-sync` hold a request: default and bounds of `wait`, ms. */
const WAIT = { standard: 90_000, least: 1_000, most: 300_000 }
/** Well below the 10 s after which the SDK's Python client gives up on `/stream` (runpod-python, runner.py). */
const STREAM_MS = 5_000

export interface Call {
  request: IncomingMessage
  query: URLSearchParams
  /** The ids after the operation in the path; empty where there are fewer. */
  id: string
  secondId: string
  /** Aborts when the caller has disconnected. */
  gone: AbortSignal
}

export interface Reply {
  status: number
  /** Null for an answer without a body. */
  body: JsonObject | JsonObject[] | null
  headers?: Record<string, string>
  /** Closes the connection instead of answering. */
  lost?: boolean
  /** Called when the answer was not delivered. */
  undelivered?: () => void
}

export interface RouteContext {
  endpoint: Endpoint
  attached: AttachedWorkers
  faults: FaultSwitches
  clock: Clock
  /** Whether to refuse a `policy` outside the cloud's bounds. */
  policyBounds: boolean
  /** Aborts when the server closes. */
  signal: AbortSignal
}

export interface Route {
  methods: readonly string[]
  /** How many ids follow the operation in the path. */
  ids: 0 | 1 | 2
  answer(call: Call, context: RouteContext): Promise<Reply> | Reply
}

const reading = ['GET', 'POST']
const posting = ['POST']

/** The operations by their name in the path. */
export const routes: Record<string, Route> = {
  run: { methods: posting, ids: 0, answer: (call, context) => submit(call, context, false) },
  runsync: { methods: posting, ids: 0, answer: (call, context) => submit(call, context, true) },
  status: { methods: reading, ids: 1, answer: status },
  'status-sync': { methods: reading, ids: 1, answer: statusSync },
  stream: { methods: reading, ids: 1, answer: stream },
  cancel: { methods: posting, ids: 1, answer: cancel },
  retry: { methods: posting, ids: 1, answer: retry },
  'purge-queue': {
    methods: posting,
    ids: 0,
    answer: (_call, { endpoint }) => ok({ removed: endpoint.purge(), status: 'completed' }),
  },
  health: { methods: ['GET'], ids: 0, answer: (_call, { endpoint }) => ok(endpoint.health()) },
}

async function submit(call: Call, context: RouteContext, sync: boolean): Promise<Reply> {
  const { endpoint, faults, clock } = context
  const body = await readJson(call.request, sizeLimit(sync))
  const wanted = parseJobRequest(body, context.policyBounds)
  const label = labelOf(wanted.input)
  const fault = faults.of(label).run
  const active = fault !== undefined && faults.spend('run', label, fault.times)
  if (active && fault.status !== undefined) {
    const after = fault.retry_after_seconds
    const headers = after === undefined ? {} : { 'retry-after': String(after) }
    return { status: fault.status, body: { detail: `fault switch: ${fault.status}` }, headers }
  }
  const job = endpoint.submit(wanted, sync)
  // The job is accepted before a slow or lost answer, which the caller cannot distinguish from a refusal.
  if (active && fault.delay_ms) await pause(clock, fault.delay_ms, context.signal)
  if (active && fault.lose_answer) return { status: 200, body: {}, lost: true }
  if (!sync) return ok({ id: job.id, status: 'IN_QUEUE' })
  return heldEnvelope(job, call, context)
}

function status(call: Call, context: RouteContext): Reply {
  const job = findJob(call, context)
  const ttl = Number(call.query.get('ttl') ?? Number.NaN)
  if (ttl > 0) context.endpoint.keepFor(job, ttl)
  return ok(envelope(job, context.clock.now()))
}

function statusSync(call: Call, context: RouteContext): Promise<Reply> {
  return heldEnvelope(findJob(call, context), call, context)
}

async function heldEnvelope(job: Job, call: Call, { endpoint, clock }: RouteContext): Promise<Reply> {
  await endpoint.until(job, () => isFinal(job.status), waitOf(call.query), call.gone)
  if (job.deletedAt !== null) throw new Refusal(404, 'job not found')
  return ok(envelope(job, clock.now()))
}

/** Returns the parts since the last call; waits while there are none, since the SDK repeats the call at once. */
async function stream(call: Call, context: RouteContext): Promise<Reply> {
  const job = findJob(call, context)
  const ready = () => job.parts.length > 0 || isFinal(job.status)
  await context.endpoint.until(job, ready, STREAM_MS, call.gone)
  const { parts, giveBack } = context.endpoint.takeParts(job)
  const body = { status: job.status, stream: parts.map((output) => ({ output })) }
  return { status: 200, body, undelivered: giveBack }
}

function cancel(call: Call, context: RouteContext): Reply {
  const job = findJob(call, context)
  if (context.faults.of(job.label).cancel === 'refuse') throw new Refusal(500, 'fault switch: cancel refused')
  context.endpoint.cancel(job)
  return ok({ id: job.id, status: job.status })
}

function retry(call: Call, context: RouteContext): Reply {
  const job = findJob(call, context)
  if (!context.endpoint.retry(job)) throw new Refusal(400, `a job that is ${job.status} cannot be retried`)
  return ok({ id: job.id, status: 'IN_QUEUE' })
}

function findJob(call: Call, { endpoint, faults }: RouteContext): Job {
  const job = endpoint.find(call.id)
  if (job === undefined || faults.of(job.label).forget) throw new Refusal(404, 'job not found')
  return job
}

function waitOf(query: URLSearchParams): number {
  const wait = Number(query.get('wait') ?? WAIT.standard)
  if (Number.isNaN(wait)) throw new Refusal(400, 'wait: must be a number of milliseconds')
  return Math.min(WAIT.most, Math.max(WAIT.least, wait))
}

function ok(body: JsonObject): Reply {
  return { status: 200, body }
}
