/**
 * What RunPod's platform says to its workers, under `/v2/{endpoint}`: `job-take`, `job-take-batch`, `job-done`,
 * `job-stream`, `job-stop` and `ping`. The addresses reach a worker as environment variables; RunPod's SDK derives
 * those of `job-take-batch` and `job-stop` from that of `job-take`.
 */
import { isObject, type JsonObject } from './job.ts'
import { Refusal, readJson } from './request.ts'
import type { Call, Reply, Route, RouteContext } from './routes.ts'
import type { Outcome } from './workers.ts'

const RESULT_LIMIT = 10 * 1024 * 1024
/** The client gives up after 90 s, so a poll is answered well before. */
const POLL_MS = 30_000
const MOST_JOBS = 100

/** The operations by their name in the path; each is followed by a worker's id, those about one job by its id too. */
export const workerRoutes: Record<string, Route> = {
  'job-take': { methods: ['GET'], ids: 1, answer: take },
  'job-take-batch': { methods: ['GET'], ids: 1, answer: takeBatch },
  'job-done': { methods: ['POST'], ids: 2, answer: done },
  'job-stream': { methods: ['POST'], ids: 2, answer: stream },
  'job-stop': { methods: ['GET'], ids: 1, answer: stop },
  ping: { methods: ['GET'], ids: 1, answer: ping },
}

/** One line of shell for each variable that makes RunPod's worker SDK work for this endpoint. `$ID` is the SDK's. */
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
    // The checks at start want a GPU, and the way out to the internet.
    RUNPOD_SKIP_AUTO_SYSTEM_CHECKS: 'true',
    RUNPOD_SKIP_GPU_CHECK: 'true',
  }
  return Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`)
}

/** One job, or 204 when there is none for a while. */
async function take(call: Call, context: RouteContext): Promise<Reply> {
  const { jobs, undelivered } = await polled(call, context, 1)
  const [job] = jobs
  return job === undefined ? { status: 204, body: null } : { status: 200, body: job, undelivered }
}

/** Up to `batch_size` jobs as a list, or 204. */
async function takeBatch(call: Call, context: RouteContext): Promise<Reply> {
  const size = Number(call.query.get('batch_size') ?? 1)
  if (!Number.isInteger(size) || size < 1) throw new Refusal(400, 'batch_size: must be a whole number from 1')
  const { jobs, undelivered } = await polled(call, context, Math.min(size, MOST_JOBS))
  return jobs.length === 0 ? { status: 204, body: null } : { status: 200, body: jobs, undelivered }
}

function polled(call: Call, { attached, endpoint }: RouteContext, room: number) {
  const handed = attached.poll(call.id, room, POLL_MS, call.gone)
  endpoint.pump()
  return handed
}

/** A result, or with `status: "IN_PROGRESS"` an update. 400 for a job that this worker does not have. */
async function done(call: Call, { attached }: RouteContext): Promise<Reply> {
  const body = await bodyOf(call)
  if (body.status === 'IN_PROGRESS') {
    held(attached.news(call.id, call.secondId)).update(body.output)
  } else if (!attached.done(call.id, call.secondId, outcomeOf(body))) throw notHeld()
  return { status: 200, body: {} }
}

/** One part of what a generator handler yields. */
async function stream(call: Call, { attached }: RouteContext): Promise<Reply> {
  const { output } = await bodyOf(call)
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

/** JSON under whatever Content-Type: the SDK says that it is a form. */
async function bodyOf(call: Call): Promise<JsonObject> {
  const body = await readJson(call.request, RESULT_LIMIT)
  if (!isObject(body)) throw new Refusal(400, 'body: must be an object')
  return body
}

function outcomeOf({ error, output }: JsonObject): Outcome {
  if (error === undefined || error === null) return { kind: 'completed', output }
  return { kind: 'failed', error: typeof error === 'string' ? error : JSON.stringify(error), output }
}

function held<T>(job: T | undefined): T {
  if (job === undefined) throw notHeld()
  return job
}

function notHeld(): Refusal {
  return new Refusal(400, 'this worker does not have this job')
}
