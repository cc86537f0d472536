/**
 * POST /api/jobs. The row of the list is written first, then the actor makes the job durable: a job that was accepted
 * is in the list, and a list that cannot be written accepts nothing.
 */
import type * as v from 'valibot'
import type { JobRequest, JsonObject } from '../../actors/export-job/core/job.ts'
import type { Settings } from '../../actors/settings.ts'
import { webhookUrlFault } from '../../actors/webhook-target.ts'
import { requireOwnProject } from '../auth.ts'
import { readJson } from '../body.ts'
import { jsonText, type ScopedCall } from '../http.ts'
import { idForKey, newId, sha256Hex } from '../ids.ts'
import { insertBirthRow, type JobRow, removeBirthRow } from '../job-rows.ts'
import { JOB_TYPES } from '../job-types/index.ts'
import { archivedView, peek, urlsOf } from '../job-view.ts'
import { mostActiveJobs, tooManyActive } from '../places.ts'
import { invalid, Problem } from '../problem.ts'
import { CreateJobBody, canonicalJson, policyOf } from '../schemas/job.ts'
import { callJob } from '../stubs.ts'
import { demand } from '../validate.ts'
import { watchToken } from './tokens.ts'

const MOST_BODY_BYTES = 256 * 1024
const MOST_KEY_CHARACTERS = 255

/**
 * 201 with the job, again for a repeated Idempotency-Key; 422 when the key was used for another request, 429 when the
 * project has as many unfinished jobs as it may have.
 */
export async function createJob(call: ScopedCall): Promise<Response> {
  const { env } = call
  const key = idempotencyKey(call.request)
  const asked = await requestOf(call, key)
  call.notes.jobId = asked.id
  const mostActive = mostActiveJobs(env)
  const birth = await insertBirthRow(env, asked, mostActive)
  if (birth.kind === 'no_room') throw tooManyActive(asked.projectId, mostActive)
  if (birth.kind === 'deleting') throw stillDeleting(birth.dueAt)
  const earlier = birth.kind === 'repeated' ? birth.row : null
  const request = earlier ? { ...asked, createdAt: earlier.created_at } : asked
  if (earlier && earlier.request_hash !== request.requestHash) throw keyReused()
  if (earlier?.archived)
    return created(call, request.id, earlier.status, JSON.stringify(archivedView(earlier)), earlier)
  const answer = await callJob(env, request.id, (job) => job.create(request, call.requestId))
  if (!answer.ok) {
    if (!earlier) await removeBirthRow(env, request)
    throw new Problem(409, answer.code, answer.detail, {
      headers: { 'Retry-After': String(answer.retryAfterSeconds) },
    })
  }
  if (answer.requestHash !== request.requestHash) throw keyReused()
  return created(call, request.id, peek(answer.job).status, answer.job, earlier)
}

/** @throws Problem 400 */
function idempotencyKey(request: Request): string | null {
  const key = request.headers.get('Idempotency-Key')
  if (key !== null && (key === '' || key.length > MOST_KEY_CHARACTERS)) {
    const detail = `The key must have 1 to ${MOST_KEY_CHARACTERS} characters.`
    throw invalid([{ pointer: '/header/Idempotency-Key', detail }])
  }
  return key
}

/** @throws Problem 400, 413 or 415 */
async function requestOf(call: ScopedCall, key: string | null): Promise<JobRequest> {
  const { body, read } = checkBody(await readJson(call.request, { bytes: MOST_BODY_BYTES }))
  const { project_id: projectId, type, input_video_key: inputVideoKey, tags } = body
  requireOwnProject(call.caller, projectId)
  const metadata: JsonObject = JSON.parse(JSON.stringify(body.metadata))
  const policy = policyOf(body.policy)
  const { params, assets, output } = read
  const webhook = webhookOf(body, call.settings)
  const hashed = {
    projectId,
    type,
    inputVideoKey,
    params,
    metadata,
    tags,
    policy: { ...policy },
    webhook: webhook && { url: webhook.url, events: [...webhook.events] },
  }
  return {
    id: key === null ? newId() : await idForKey(projectId, key),
    projectId,
    type,
    inputVideoKey,
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

const UNSIGNED =
  'This deployment sends no webhooks: WEBHOOK_SECRET is not set, or is not whsec_ and 24 to 64 bytes of base64.'

/** @throws Problem 400 for an address that must not be called, or when nothing could be signed */
function webhookOf(body: v.InferOutput<typeof CreateJobBody>, settings: Settings): JobRequest['webhook'] {
  const { webhook_url: url, webhook_events: events } = body
  if (url === undefined) return null
  const fault = webhookUrlFault(url, settings) ?? (settings.webhookSecrets.length > 0 ? null : UNSIGNED)
  if (fault) throw invalid([{ pointer: '/webhook_url', detail: fault }])
  return { url, events: [...new Set(events)].sort() }
}

/** The fields that all jobs share, then those of the type. @throws Problem 400 naming each wrong one */
function checkBody(input: unknown) {
  const body = demand(CreateJobBody, input)
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
  call: ScopedCall,
  id: string,
  status: string,
  job: string,
  earlier: JobRow | null,
): Promise<Response> {
  const { self, ws } = urlsOf(id)
  const token = await watchToken(call.settings, call.caller, id, Date.now())
  const websocketUrl = token === null ? ws : `${ws}?token=${token}`
  const head = JSON.stringify({ job_id: id, status, websocket_url: websocketUrl })
  return jsonText(`${head.slice(0, -1)},"job":${job}}`, 201, {
    Location: self,
    ...(earlier && { 'Idempotent-Replayed': 'true' }),
  })
}

/** The tombstone goes soon after its last erase, which may have to be repeated. */
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

function keyReused(): Problem {
  const detail = 'This Idempotency-Key was used for another request; send a new key, or the same request.'
  return new Problem(422, 'idempotency_key_reused', detail)
}
