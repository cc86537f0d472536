/**
 * POST /api/jobs. The row of the list is written first, then the actor makes the job durable: every accepted job is in
 * the list, and while the list cannot be written no job is accepted.
 */
import type * as v from 'valibot'
import type { JobRequest, JsonObject, Policy } from '../../actors/export-job/core/job.ts'
import type { JobRow } from '../../actors/export-job/effects/job-columns.ts'
import { isResult, jobOfResult } from '../../actors/export-job/effects/videos.ts'
import { urlsOf } from '../../actors/export-job/present.ts'
import { inputUrlFault, inputUrlOf } from '../../actors/shared/input-url.ts'
import type { Settings } from '../../actors/shared/settings.ts'
import { webhookUrlFault } from '../../actors/shared/webhook-target.ts'
import type { JobJson } from '../../wire/job.ts'
import type { FieldError } from '../../wire/problem.ts'
import { requireOwnProject } from '../auth/caller.ts'
import { watchToken } from '../auth/tokens.ts'
import { insertBirthRow, removeBirthRow } from '../d1/birth.ts'
import { mostActiveJobs, tooManyActive } from '../d1/places.ts'
import { readAnyRow } from '../d1/row.ts'
import type { Env } from '../env.ts'
import { type Asked, jsonText, type ScopedCall } from '../http/exchange.ts'
import { parse } from '../http/parse.ts'
import { invalid, Problem } from '../http/problem.ts'
import { readJson } from '../http/read-json.ts'
import { callJob } from '../stubs.ts'
import { canonicalJson, idForKey, isJobId, newId, sha256Hex } from './ids.ts'
import { archivedText, shownJob } from './job-id.ts'
import { JOB_TYPES } from './job-types/index.ts'
import { type CreateJobBody, CreateJobRequest, policyOf } from './schemas.ts'

/** Maximum size of a request's body. */
export const MAX_CREATE_BYTES = 256 * 1024
const MAX_KEY_CHARACTERS = 255

/** An accepted job, new or from an earlier request, and its path. */
interface Accepted {
  /** The JSON of the answer. */
  text: string
  self: string
  /** Whether an earlier request had the same key and content. */
  replayed: boolean
}

/** 201 with the job; a repeated Idempotency-Key gets the same job. */
export async function createJob(call: ScopedCall): Promise<Response> {
  const key = call.request.headers.get('Idempotency-Key')
  const body = await readJson(call.request, { bytes: MAX_CREATE_BYTES })
  const { text, self, replayed } = await accept(call, body, key)
  return jsonText(text, 201, { Location: self, ...(replayed && { 'Idempotent-Replayed': 'true' }) })
}

/**
 * Makes a new job durable, or returns the one that was made earlier under this key.
 *
 * @param body of the request, as JSON that is not validated yet
 * @param key the idempotency key; null for none
 * @throws Problem 400 naming each wrong field, 409 while a job of this key is being deleted, 422 when the key was used
 *   for another request, 429 when the project has reached its maximum of unfinished jobs
 */
export async function accept(call: Asked, body: unknown, key: string | null): Promise<Accepted> {
  const { env } = call
  requireFittingKey(key)
  const asked = await requestOf(call, body, key)
  call.notes.jobId = asked.id
  const isKnown = key !== null && hasSurroundings(asked) && (await readAnyRow(env, asked.id)) !== null
  if (!isKnown) await requireSurroundings(call, asked)
  const mostActive = mostActiveJobs(env)
  const birth = await insertBirthRow(env, asked, mostActive)
  if (birth.kind === 'no_room') throw tooManyActive(asked.projectId, mostActive)
  if (birth.kind === 'deleting') throw stillDeleting(birth.dueAt)
  const earlier = birth.kind === 'repeated' ? birth.row : null
  const request = earlier ? { ...asked, createdAt: earlier.created_at } : asked
  if (earlier && earlier.request_hash !== request.requestHash) throw keyReused()
  if (earlier?.archived) return created(call, request.id, earlier.status, archivedText(earlier).text, earlier)
  if (earlier?.error_code === 'actor_lost') {
    // `create` would make a second job under the key. The actor is asked nevertheless: a worker may use the same code.
    const { text } = await shownJob(call, request.id)
    return created(call, request.id, statusIn(text), text, earlier)
  }
  // The row has gone since, or the sweep had closed it.
  if (isKnown && !earlier) await requireSurroundings(call, request, true)
  const answer = await callJob(env, request.id, (job) => job.create(request, call.requestId))
  if (!answer.ok) {
    if (!earlier) await removeBirthRow(env, request)
    throw new Problem(409, answer.code, answer.detail, {
      headers: { 'Retry-After': String(answer.retryAfterSeconds) },
    })
  }
  if (answer.requestHash !== request.requestHash) throw keyReused()
  return created(call, request.id, answer.status ?? statusIn(answer.job), answer.job, earlier)
}

/** Whether a new job depends on more than its own request: on an endpoint by name, or on another job's result. */
function hasSurroundings({ policy, inputVideoKey }: JobRequest): boolean {
  return policy.endpoint !== undefined || jobOfResult(inputVideoKey) !== null
}

/**
 * Checks what a new job depends on: the endpoint that it names, and the job whose result is its input. It is checked
 * before there is a row: a concurrent request with the same key would take the row for that of an accepted job. A
 * repeated request is not checked, since either may have been removed meanwhile; the input is checked again before
 * dispatch.
 *
 * @param born whether there is a birth row, which is then removed
 * @throws Problem 400
 */
async function requireSurroundings(
  { env, settings }: Asked,
  request: JobRequest,
  born = false,
): Promise<void> {
  const fault = endpointFault(request.policy, settings) ?? (await resultFault(env, request))
  if (!fault) return
  if (born) await removeBirthRow(env, request)
  throw invalid([fault])
}

/** A job that names no endpoint is accepted even by a deployment without endpoints, and waits. */
function endpointFault({ endpoint }: Policy, { endpoints }: Settings): FieldError | null {
  if (endpoint === undefined || endpoints.has(endpoint)) return null
  const known = [...endpoints.keys()].join(', ') || 'none'
  return { pointer: '/policy/endpoint', detail: `There is no such endpoint; the endpoints are ${known}.` }
}

async function resultFault(env: Env, request: JobRequest): Promise<FieldError | null> {
  const { inputVideoKey: key, projectId } = request
  const source = jobOfResult(key)
  if (source === null) return null
  const ask = { projectId, ifMatch: null, requestId: null }
  const kept = isJobId(source) && isResult(await callJob(env, source, (job) => job.view(ask)), key)
  if (kept) return null
  const detail = 'There is no complete job of this project that has this result.'
  return { pointer: '/input_video_key', detail }
}

/** @throws Problem 400 */
function requireFittingKey(key: string | null): void {
  if (key !== null && (key === '' || key.length > MAX_KEY_CHARACTERS)) {
    const detail = `The key must have 1 to ${MAX_KEY_CHARACTERS} characters.`
    throw invalid([{ pointer: '/header/Idempotency-Key', detail }])
  }
}

/** @throws Problem 400 */
async function requestOf(call: Asked, given: unknown, key: string | null): Promise<JobRequest> {
  const { body, read } = checkBody(given)
  const { project_id: projectId, type, tags } = body
  requireOwnProject(call.caller, projectId)
  const metadata: JsonObject = JSON.parse(JSON.stringify(body.metadata))
  const policy = policyOf(body.policy)
  const { params, assets, output } = read
  const webhook = webhookOf(body, call.settings)
  const { inputVideoKey, inputVideoUrl } = inputOf(body, call.settings)
  const hashed = {
    projectId,
    type,
    inputVideoKey,
    // A repeat of the request may contain a fresh signature, so the stored URL has none.
    ...(inputVideoUrl && { inputVideoUrl: inputVideoUrl.shown }),
    params,
    metadata,
    tags,
    policy: { ...policy },
    webhook: webhook && { url: webhook.url, events: [...webhook.events] },
  }
  return {
    id: key === null ? newId() : await idForKey(projectId, key),
    createdBy: call.caller.subject,
    projectId,
    type,
    inputVideoKey,
    ...(inputVideoUrl && { inputVideoUrl }),
    params,
    assets,
    output,
    metadata,
    tags,
    policy,
    webhook,
    life: crypto.randomUUID().slice(0, 8),
    requestHash: await sha256Hex(canonicalJson(hashed)),
    createdAt: Date.now(),
    devOrigin: call.settings.publicUrl === null ? call.url.origin : null,
  }
}

type Body = v.InferOutput<typeof CreateJobBody>

/** @throws Problem 400 for a URL that must not be fetched */
function inputOf(
  { input_video_key: key = '', input_video_url: url }: Body,
  settings: Settings,
): Pick<JobRequest, 'inputVideoKey' | 'inputVideoUrl'> {
  if (url === undefined) return { inputVideoKey: key }
  const fault = inputUrlFault(url, settings)
  if (fault) throw invalid([{ pointer: '/input_video_url', detail: fault }])
  return { inputVideoKey: '', inputVideoUrl: inputUrlOf(url) }
}

const UNSIGNED =
  'This deployment sends no webhooks: WEBHOOK_SECRET is not set, or is not whsec_ and 24 to 64 bytes of base64.'

/** @throws Problem 400 for a URL that must not be called, or when no secret to sign with is set */
function webhookOf(body: Body, settings: Settings): JobRequest['webhook'] {
  const { webhook_url: url, webhook_events: events } = body
  if (url === undefined) return null
  const fault = webhookUrlFault(url, settings) ?? (settings.webhookSecrets.length > 0 ? null : UNSIGNED)
  if (fault) throw invalid([{ pointer: '/webhook_url', detail: fault }])
  return { url, events: [...new Set(events)].sort() }
}

/** Validates the fields that all jobs share, then those of the type. @throws Problem 400 naming each wrong one */
function checkBody(input: unknown) {
  const body = parse(CreateJobRequest, input)
  const type = JOB_TYPES.get(body.type)
  if (!type) {
    const known = [...JOB_TYPES.keys()].join(', ')
    throw invalid([{ pointer: '/type', detail: `There is no such type; the types are ${known}.` }])
  }
  const read = type.read(body.params)
  if (!read.ok) throw invalid(read.errors)
  return { body, read: read.value }
}

async function created(
  call: Asked,
  id: string,
  status: string,
  job: string,
  earlier: JobRow | null,
): Promise<Accepted> {
  const { self, ws } = urlsOf(id)
  const token = await watchToken(call.settings, call.caller, id, Date.now())
  const websocketUrl = token === null ? ws : `${ws}?token=${token}`
  const head = JSON.stringify({ job_id: id, status, websocket_url: websocketUrl })
  return { text: `${head.slice(0, -1)},"job":${job}}`, self, replayed: earlier !== null }
}

/** 409 with Retry-After: the tombstone expires soon after its last erase, which may have to be repeated. */
function stillDeleting(dueAt: number | null): Problem {
  const seconds = Math.max(1, Math.ceil(((dueAt ?? 0) - Date.now()) / 1000))
  return new Problem(
    409,
    'job_deleting',
    'A job with this idempotency key is being deleted; try again later.',
    {
      headers: { 'Retry-After': String(seconds) },
    },
  )
}

/** The status from the job's text; an actor of an earlier version does not return it separately. */
function statusIn(text: string): string {
  const { status }: JobJson = JSON.parse(text)
  return status
}

function keyReused(): Problem {
  const detail = 'This Idempotency-Key was used for another request; send a new key, or the same request.'
  return new Problem(422, 'idempotency_key_reused', detail)
}
