/**
 * The interface of RunPod's platform to its workers, under `/v2/{endpoint}`: `job-take`, `job-take-batch`, `job-done`,
 * `job-stream`, `job-stop` and `ping`. A worker gets the URLs by environment variables; RunPod's SDK derives those of
 * `job-take-batch` and `job-stop` from that of `job-take`.
 */
import { isObject, type JsonObject, sizeLimit } from './job.ts'
import { posted, tooLarge } from './outcome.ts'
import { parseJson, Refusal, readBody, readJson } from './request.ts'
import type { Call, Reply, Route, RouteContext } from './routes.ts'

/**
 * Larger than any allowed result: only the text of a body distinguishes an update from a result, so it is read first.
 */
const READ_LIMIT = 64 * 1024 * 1024
/** The client gives up after 90 s, so a poll is answered well before that. */
const POLL_MS = 30_000
const MAX_JOBS = 100

/** The operations by their name in the path. A worker's id follows, and for operations on one job the job's id. */
export const workerRoutes: Record<string, Route> = {
  'job-take': { methods: ['GET'], ids: 1, answer: take },
  'job-take-batch': { methods: ['GET'], ids: 1, answer: takeBatch },
  'job-done': { methods: ['POST'], ids: 2, answer: done },
  'job-stream': { methods: ['POST'], ids: 2, answer: stream },
  'job-stop': { methods: ['GET'], ids: 1, answer: stop },
  ping: { methods: ['GET'], ids: 1, answer: ping },
}

/**
 * One line of shell per environment variable that makes RunPod's worker SDK use this endpoint. `$ID` belongs to the
 * SDK.
 */
export function workerEnvironment(url: string, apiKey: string): string[] {
  const base = `${url}/v2/local`
  const variables = {
    RUNPOD_WEBHOOK_GET_JOB: `${base}/job-take/$ID?gpu=local`,
    RUNPOD_WEBHOOK_POST_OUTPUT: `${base}/job-done/$RUNPOD_POD_ID/$ID?gpu=local`,
    RUNPOD_WEBHOOK_POST_STREAM: `${base}/job-stream/$RUNPOD_POD_ID/$ID?gpu=local`,
    RUNPOD_WEBHOOK_PING: `${base}/ping/$RUNPOD_POD_ID?gpu=local`,
    RUNPOD_PING_INTERVAL: '10000',
    RUNPOD_AI_API_KEY: apiKey,
    RUNPOD_ENDPOINT_ID: 'local',
    RUNPOD_POD_ID: 'worker-1',
    // The SDK's checks at startup require a GPU and internet access.
    RUNPOD_SKIP_AUTO_SYSTEM_CHECKS: 'true',
    RUNPOD_SKIP_GPU_CHECK: 'true',
  }
  return Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`)
}

/** One job, or 204 when there was none for a while. */
async function take(call: Call, context: RouteContext): Promise<Reply> {
  const { jobs, undelivered } = await polled(call, context, 1)
  const [job] = jobs
  return job === undefined
    ? { status: 204, body: null, undelivered }
    : { status: 200, body: job, undelivered }
}

/** Up to `batch_size` jobs as a list, or 204. */
async function takeBatch(call: Call, context: RouteContext): Promise<Reply> {
  const size = Number(call.query.get('batch_size') ?? 1)
  if (!Number.isInteger(size) || size < 1) throw new Refusal(400, 'batch_size: must be a whole number from 1')
  const { jobs, undelivered } = await polled(call, context, Math.min(size, MAX_JOBS))
  return jobs.length === 0
    ? { status: 204, body: null, undelivered }
    : { status: 200, body: jobs, undelivered }
}

function polled(call: Call, { attached, endpoint }: RouteContext, room: number) {
  const handed = attached.poll(call.id, room, POLL_MS, call.gone)
  endpoint.pump()
  return handed
}

/**
 * A result or, with `status: "IN_PROGRESS"`, an update. 400 for a job that this worker does not hold, and for a result
 * that is too large: the SDK drops it, so the job ends.
 */
async function done(call: Call, { attached }: RouteContext): Promise<Reply> {
  const { update, resultLimit } = held(attached.news(call.id, call.secondId))
  const { text, size } = await readBody(call.request, READ_LIMIT)
  const body = text === null ? {} : objectIn(parseJson(text))
  const isUpdate = body.status === 'IN_PROGRESS'
  const excess = size > resultLimit ? tooLarge(size, resultLimit) : null
  if (isUpdate && !excess) update(body.output)
  else if (!isUpdate && !attached.done(call.id, call.secondId, excess ?? posted(body))) throw notHeld()
  if (excess) throw new Refusal(400, `request body exceeds ${resultLimit / 1024 / 1024} MB`)
  return { status: 200, body: {} }
}

/** One part that a generator handler yields. */
async function stream(call: Call, { attached }: RouteContext): Promise<Reply> {
  // JSON with any Content-Type: the SDK declares a form.
  const { output } = objectIn(await readJson(call.request, sizeLimit(false)))
  held(attached.news(call.id, call.secondId)).stream(output)
  return { status: 200, body: {} }
}

/** `{jobsToStop}`: held until there is one. */
async function stop(call: Call, { attached }: RouteContext): Promise<Reply> {
  const jobsToStop = await attached.stops(call.id, POLL_MS, call.gone)
  return { status: 200, body: { jobsToStop } }
}

function ping(call: Call, { attached }: RouteContext): Reply {
  const named = call.query.getAll('job_id').flatMap((ids) => ids.split(','))
  attached.ping(call.id, named)
  return { status: 200, body: {} }
}

function objectIn(body: unknown): JsonObject {
  if (!isObject(body)) throw new Refusal(400, 'body: must be an object')
  return body
}

function held<T>(job: T | undefined): T {
  if (job === undefined) throw notHeld()
  return job
}

function notHeld(): Refusal {
  return new Refusal(400, 'this worker does not have this job')
}
