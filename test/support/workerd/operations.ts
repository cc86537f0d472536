/**
 * For every route of the table: an authorised request, with all resources that it needs. The documented examples, the
 * generated requests and the authorization matrix start from here; a route without an entry fails them all.
 */
import { env } from 'cloudflare:workers'
import { callbackToken, encodeKey } from '../../../actors/shared/signing.ts'
import { INPUT_KEY, JOB_ID, UPLOAD_ID } from '../../../src/openapi/samples.ts'
import type { EventsPage } from '../../../wire/job.ts'
import { assertion } from './access.ts'
import { HOUR } from './clock.ts'
import { api, bodyOf, createJob, dispatchedJob, downloadOf, type RunBody, ring, SECRET } from './http.ts'
import { begin, companionFor, type PartsClient, planFor } from './uploads.ts'

export interface Ready {
  /** Parameters of the path, before encoding. */
  params: Record<string, string>
  query: Record<string, string>
  headers: Record<string, string>
  body: unknown
  /** Placeholders of the documented examples, and their values here. */
  named: [string, string][]
}

const READY: Ready = { params: {}, query: {}, headers: {}, body: undefined, named: [] }
const ready = (over: Partial<Ready> = {}): Ready => ({ ...READY, ...over })

type Prepare = (runs: RunBody[]) => Promise<Ready>

export const PROJECT = 1
/** The content of files here: its MD5 and SHA-256 are part of the examples. */
const FILE = 'test'
const FILE_MD5 = '098f6bcd4621d373cade4e832627b4f6'

const trim = {
  project_id: PROJECT,
  type: 'trim',
  input_video_key: 'input/a/clip.mp4',
  params: { start_seconds: 2, end_seconds: 10 },
}

const nothing: Prepare = async () => ready()
const body =
  (value: unknown): Prepare =>
  async () =>
    ready({ body: value })

const aJob: Prepare = async () => {
  const { job_id: id } = await createJob({ ...trim, metadata: { order: 4711 }, tags: ['spring'] })
  return ready({ params: { id }, named: [[JOB_ID, id]] })
}

const aCancelledJob: Prepare = async (runs) => {
  const job = await aJob(runs)
  await api(`/api/jobs/${job.params.id}/cancel`, { method: 'POST' })
  await ring(job.params.id ?? '')
  return job
}

/** A job whose webhook received its end. */
const aToldJob: Prepare = async () => {
  const told = { webhook_url: 'https://example.com/hook', webhook_events: ['cancelled'] }
  const { job_id: id } = await createJob({ ...trim, ...told })
  await api(`/api/jobs/${id}/cancel`, { method: 'POST' })
  await ring(id)
  const { events } = await bodyOf<EventsPage>(await api(`/api/jobs/${id}/events`))
  const [delivery = ''] = events.flatMap(({ data }) => ('delivery' in data ? [data.delivery] : []))
  return ready({ params: { id, delivery }, named: [[JOB_ID, id]] })
}

const aRunningJob =
  (report: unknown): Prepare =>
  async (runs) => {
    const { id, run } = await dispatchedJob(runs)
    const headers = { Authorization: `Bearer ${run.input.callback_token}` }
    return ready({ params: { id }, headers, body: report, named: [[JOB_ID, id]] })
  }

const aCallback: Prepare = async (runs) => {
  const { id, run } = await dispatchedJob(runs)
  const query = Object.fromEntries(new URL(run.webhook).searchParams)
  return ready({ query, body: { id: 'x-u1', status: 'IN_PROGRESS' }, named: [[JOB_ID, id]] })
}

const anUploadUrl: Prepare = async () => {
  const plan = await planFor(FILE.length, { project_id: PROJECT })
  const headers = { 'Content-Type': 'video/mp4', 'Content-Length': String(FILE.length) }
  return ready({
    params: { key: plan.video_key },
    query: queryOf(plan.upload_url ?? ''),
    headers,
    body: FILE,
    named: [[INPUT_KEY, plan.video_key]],
  })
}

const aVideo: Prepare = async () => {
  const key = `input/${crypto.randomUUID()}/clip.mp4`
  await env.VIDEOS.put(key, FILE, { customMetadata: { project: String(PROJECT) } })
  return ready({ params: { key }, query: queryOf(downloadOf(key, { project: String(PROJECT) })) })
}

const anUploader: Prepare = async () => ready({ params: { token: tokenIn(await companionFor(PROJECT)) } })

const beginning: Prepare = async (runs) => ({
  ...(await anUploader(runs)),
  body: { filename: 'clip.mp4', type: 'video/mp4' },
})

async function anOpenUpload(): Promise<{ parts: PartsClient; ready: Ready }> {
  const parts = await begin(await companionFor(PROJECT), { filename: 'clip.mp4', type: 'video/mp4' })
  const { companion, key, uploadId } = parts
  const named: Ready['named'] = [
    [INPUT_KEY, key],
    [UPLOAD_ID, uploadId],
  ]
  return {
    parts,
    ready: ready({ params: { token: tokenIn(companion), upload: uploadId }, query: { key }, named }),
  }
}

const anUpload: Prepare = async () => (await anOpenUpload()).ready

const aPartToSign: Prepare = async (runs) => {
  const upload = await anUpload(runs)
  return { ...upload, params: { ...upload.params, part: '1' } }
}

const aPartToSend: Prepare = async () => {
  const { parts } = await anOpenUpload()
  const query = queryOf(await parts.sign(1))
  return ready({
    params: { key: parts.key },
    query,
    headers: { 'Content-Length': String(FILE.length) },
    body: FILE,
  })
}

const aWholeUpload: Prepare = async () => {
  const { parts, ready: upload } = await anOpenUpload()
  const etag = await parts.send(1, new TextEncoder().encode(FILE))
  const named: Ready['named'] = [...upload.named, [FILE_MD5, etag]]
  return { ...upload, named, body: { parts: [{ PartNumber: 1, ETag: etag }] } }
}

const file = {
  filename: 'clip.mp4',
  content_type: 'video/mp4',
  size_bytes: FILE.length,
  project_id: PROJECT,
}

const FIXTURES: Record<string, Prepare> = {
  'GET /health': nothing,
  'GET /errors/:code': async () => ready({ params: { code: 'job_not_found' } }),
  'GET /openapi.json': nothing,
  'POST /api/jobs': body(trim),
  'GET /api/jobs': async () => ready({ query: { project_id: String(PROJECT) } }),
  'GET /api/jobs/:id': aJob,
  'DELETE /api/jobs/:id': aJob,
  'POST /api/jobs/:id/cancel': aJob,
  'POST /api/jobs/:id/retry': aCancelledJob,
  'POST /api/jobs/:id/webhooks/:delivery/redeliver': aToldJob,
  'GET /api/jobs/:id/ws': async (runs) => ({ ...(await aJob(runs)), headers: { Upgrade: 'websocket' } }),
  'GET /api/jobs/:id/events': aJob,
  'GET /api/jobs/:id/do/ws': async (runs) => {
    const job = await aRunningJob(undefined)(runs)
    return { ...job, headers: { ...job.headers, Upgrade: 'websocket' } }
  },
  'POST /api/jobs/:id/do/progress': aRunningJob({ progress: 1 }),
  'POST /api/jobs/:id/do/complete': async (runs) => {
    const job = await aRunningJob(undefined)(runs)
    return { ...job, body: { output_video_key: `output/${job.params.id}/1-1.mp4` } }
  },
  'POST /api/jobs/:id/do/error': aRunningJob({ error: 'It broke.', should_retry: true }),
  'POST /api/runpod/callback': aCallback,
  'POST /api/videos/upload-url': async (runs) => ({ ...(await aJob(runs)), body: file }),
  'PUT /api/videos/upload/:key+': anUploadUrl,
  'GET /api/videos/download/:key+': aVideo,
  'POST /api/uploads': body({ project_id: PROJECT }),
  'PUT /api/uploads/part/:key+': aPartToSend,
  'POST /api/uploads/:token/s3/multipart': beginning,
  'GET /api/uploads/:token/s3/multipart/:upload': anUpload,
  'DELETE /api/uploads/:token/s3/multipart/:upload': anUpload,
  'POST /api/uploads/:token/s3/multipart/:upload/complete': aWholeUpload,
  'GET /api/uploads/:token/s3/multipart/:upload/progress': anUpload,
  'GET /api/uploads/:token/s3/multipart/:upload/:part': aPartToSign,
  'GET /api/uploads/:token/s3/params': anUploader,
  'GET /api/admin/stats': nothing,
  'GET /api/admin/metrics': nothing,
  'GET /api/admin/jobs': nothing,
  'GET /api/admin/lanes': nothing,
  'POST /api/admin/lanes/:name/actions': async () =>
    ready({ params: { name: 'default' }, body: { action: 'resume', reason: 'RunPod is well again.' } }),
  'GET /api/admin/jobs/:id': aJob,
  'POST /api/admin/jobs/:id/actions': async (runs) => ({
    ...(await aJob(runs)),
    body: { action: 'remirror', reason: 'The list shows an old status.' },
  }),
  'POST /api/admin/jobs/actions': async (runs) => {
    await aJob(runs)
    return ready({ body: { action: 'remirror', reason: 'The list was lost.', filter: { tag: 'spring' } } })
  },
  'GET /api/job-types': nothing,
  'POST /api/admin/session': async () => ready({ headers: await assertion() }),
  'POST /api/tokens': body({ scope: 'jobs:read', project_id: PROJECT, job_id: JOB_ID }),
}

/** @throws when a route has no entry above */
export async function prepare(route: string, runs: RunBody[]): Promise<Ready> {
  const fixture = FIXTURES[route]
  if (!fixture) throw new Error(`test/support/workerd/operations.ts has no entry for ${route}.`)
  return fixture(runs)
}

/** Sends the request described by `ready` to this service. */
export function send(route: string, { params, query, headers, body }: Ready, origin = ''): Promise<Response> {
  const [method = '', path = ''] = route.split(' ')
  const filled = path.replace(/:(\w+)(\+?)/g, (_, name: string, rest: string) => {
    const value = params[name] ?? ''
    return rest ? encodeKey(value) : encodeURIComponent(value)
  })
  const search = new URLSearchParams(query).toString()
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const json = body === undefined || typeof body === 'string' ? {} : { 'Content-Type': 'application/json' }
  return api(`${origin}${filled}${search && `?${search}`}`, {
    method,
    headers: { ...json, ...headers },
    ...(text !== undefined && { body: text }),
  })
}

function queryOf(url: string): Record<string, string> {
  return Object.fromEntries(new URL(url, 'http://localhost').searchParams)
}

function tokenIn(companion: string): string {
  return companion.split('/').at(-1) ?? ''
}

/** The callback token of another job. */
export function foreignCallbackToken(id: string): string {
  return callbackToken(SECRET, id, { round: 1, attempt: 1 }, Date.now() + HOUR)
}
