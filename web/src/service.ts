/** The service behind these pages: the typed client, and the few calls that it does not have yet. */
import { createExports, ExportalError, type Job, type JsonObject } from '../../client/index.ts'

/** The token that this visit has, if any. A new one is a new visit: the page is loaded with it. */
const token = new URLSearchParams(location.search).get('token') || null

export const exportal = createExports({ baseUrl: '', ...(token ? { token } : {}) })

/** Loads the page again with this token in its address, or without any. */
export function visitWith(newToken: string): void {
  const url = new URL(location.href)
  if (newToken) url.searchParams.set('token', newToken)
  else url.searchParams.delete('token')
  location.replace(url)
}

/** The project that new uploads and exports belong to, and whose list is shown. */
export function projectId(): number {
  const asked = Number(new URLSearchParams(location.search).get('project'))
  if (Number.isSafeInteger(asked) && asked > 0) return asked
  const claimed = claimsOf(token).project_id
  return typeof claimed === 'number' ? claimed : 1
}

/** What the token says of itself; only the service can tell whether it is true. */
function claimsOf(text: string | null): Record<string, unknown> {
  try {
    const part = text?.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? ''
    const claims: unknown = JSON.parse(atob(part))
    return typeof claims === 'object' && claims !== null ? { ...claims } : {}
  } catch {
    return {}
  }
}

/**
 * Whether the token of this visit lets jobs be changed, as far as it says so itself: a link that was shared does not.
 * Without a token it is for the service to say.
 */
export function mayWrite(): boolean {
  const { scope } = claimsOf(token)
  return (
    typeof scope !== 'string' || scope.split(' ').some((each) => each === 'jobs:write' || each === 'admin')
  )
}

/** Answer of `POST /api/videos/upload-url`: one signed PUT, or for a large file the routes that Companion has. */
export interface UploadPlan {
  upload_url: string | null
  video_key: string
  method: string
  headers: Record<string, string>
  expires_at: string
  size_bytes: number
  multipart?: { companion_url: string; part_size_bytes: number } | null
}

export function uploadPlan(file: { name: string; type: string; size: number }): Promise<UploadPlan> {
  return ask<UploadPlan>('/api/videos/upload-url', {
    filename: file.name,
    content_type: file.type,
    size_bytes: file.size,
    project_id: projectId(),
  })
}

/** As long as a job is kept after its end, unless its policy says otherwise. */
const SHARED_SECONDS = 7 * 24 * 3600

/**
 * A link to the page of one job that may be given to someone else. It carries a token that opens this job alone
 * where the service mints one; a broader token of our own is never passed on.
 */
export async function linkToShare(job: Pick<Job, 'id'>): Promise<string> {
  const link = new URL(`/jobs/${encodeURIComponent(job.id)}`, location.origin)
  const narrow = await tokenToShare(job.id)
  if (narrow) link.searchParams.set('token', narrow)
  return link.href
}

async function tokenToShare(jobId: string): Promise<string | null> {
  const claims = claimsOf(token)
  if (claims.job_id === jobId && claims.scope === 'jobs:read') return token
  try {
    const body = { job_id: jobId, scope: 'jobs:read', ttl_seconds: SHARED_SECONDS }
    return (await ask<{ token: string }>('/api/tokens', body)).token
  } catch {
    return null
  }
}

/** Where an uploaded video can be seen before a job gives out a signed address of it. */
export function uploadedUrl(videoKey: string): string {
  const key = videoKey.split('/').map(encodeURIComponent).join('/')
  return `/api/videos/download/${key}?inline=1${token ? `&token=${encodeURIComponent(token)}` : ''}`
}

function ask<T>(path: string, body: JsonObject): Promise<T> {
  return send<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** What operators read, which the typed client has no calls for. */
export function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return send<T>(path, signal ? { signal } : {})
}

export { ask as post }

/** A file of the service, which a plain link could not have without a token in its address. */
export async function readFile(path: string): Promise<Blob> {
  const response = await fetch(path, { headers: authorization() })
  if (!response.ok) throw problemOf(response.status, await response.json().catch(() => ({})))
  return response.blob()
}

function authorization(): Record<string, string> {
  return token ? { authorization: `Bearer ${token}` } : {}
}

async function send<T>(path: string, init: RequestInit & { headers?: Record<string, string> }): Promise<T> {
  const response = await fetch(path, { ...init, headers: { ...init.headers, ...authorization() } })
  const answer: unknown = await response.json().catch(() => ({}))
  if (!response.ok) throw problemOf(response.status, answer)
  return answer as T
}

/** A refusal in the service's own words. */
function problemOf(status: number, body: unknown): ExportalError {
  const problem = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  const { code, detail } = problem
  return new ExportalError({
    status,
    code: typeof code === 'string' ? code : `http_${status}`,
    detail: typeof detail === 'string' ? detail : `The service answered ${status}.`,
    errors: Array.isArray(problem.errors) ? problem.errors : [],
  })
}
