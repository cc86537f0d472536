/** Access to the service: the typed client, and the few calls that it lacks, over the same transport. */
import { type ApiRequest, Transport } from '../../client/http.ts'
import { createExports, type Job, type JsonObject } from '../../client/index.ts'
import { noteDate } from './server-time.ts'
import { claims, currentToken, tokenOfLink, viewIsCurrent, viewToken } from './session/session.ts'

/** The last request: when it was answered, and whether the connection failed. */
const line = { answeredAt: Date.now(), broken: false }
/** A poll is held for half a minute; longer without an answer means that there is no connection. */
const HELD_MS = 35_000

const options = {
  baseUrl: '',
  // Pings, which wake no job, detect a connection that is dead without having been closed.
  timings: { pingIntervalMs: 8_000, pongTimeoutMs: 4_000 },
  async fetch(url: string, init?: RequestInit): Promise<Response> {
    try {
      const response = await fetch(url, init)
      Object.assign(line, { answeredAt: Date.now(), broken: false })
      noteDate(response.headers.get('date'))
      return response
    } catch (error) {
      line.broken ||= init?.signal?.aborted !== true
      throw error
    }
  },
  token: currentToken,
}

/** Whether the service is currently unreachable. @param asking whether requests are sent continuously */
export function isUnreachable(asking: boolean): boolean {
  if (navigator.onLine === false) return true
  return asking && (line.broken || Date.now() - line.answeredAt > HELD_MS)
}

export const exportal = createExports(options)
const http = new Transport(options)

/** The project of new uploads and exports, and of the list. */
export function projectId(): number {
  const asked = Number(new URLSearchParams(location.search).get('project'))
  if (Number.isSafeInteger(asked) && asked > 0) return asked
  const claimed = claims().project_id
  return typeof claimed === 'number' ? claimed : 1
}

/**
 * Whether the claims of this visit's token allow changes of jobs, which those of a shared link do not. Without a token
 * the service decides.
 */
export function mayWrite(): boolean {
  const { scope } = claims()
  return (
    typeof scope !== 'string' || scope.split(' ').some((each) => each === 'jobs:write' || each === 'admin')
  )
}

/** Claims of this visit's token: whether it is confined to one job, and when it expires (RFC 3339). */
export function visit(): { shared: boolean; until: string | null } {
  const { job_id, exp } = claims()
  return {
    shared: typeof job_id === 'string',
    until: typeof exp === 'number' ? new Date(exp * 1000).toISOString() : null,
  }
}

/** How long a job is kept after its end, unless its policy differs. */
const SHARED_SECONDS = 7 * 24 * 3600

/**
 * A link to the page of one job that may be given to someone else. It contains a token confined to this job when the
 * service issues one; a broader token of this visit is never passed on.
 */
export async function linkToShare(job: Pick<Job, 'id'>): Promise<string> {
  const link = new URL(`/jobs/${encodeURIComponent(job.id)}`, location.origin)
  const narrow = await tokenToShare(job.id)
  // Browsers do not send the fragment to servers.
  if (narrow) link.hash = new URLSearchParams({ token: narrow }).toString()
  return link.href
}

async function tokenToShare(jobId: string): Promise<string | null> {
  const own = tokenOfLink(jobId)
  if (own) return own
  try {
    const body = { job_id: jobId, scope: 'jobs:read', ttl_seconds: SHARED_SECONDS }
    return (await post<{ token: string }>('/api/tokens', body)).token
  } catch {
    return null
  }
}

/** The URL of an uploaded video before a job returns a signed one. */
export function uploadedUrl(videoKey: string): string {
  const key = videoKey.split('/').map(encodeURIComponent).join('/')
  const token = viewToken(projectId())
  return `/api/videos/download/${key}?inline=1${token ? `&token=${encodeURIComponent(token)}` : ''}`
}

/** Resolves when new URLs of files contain a valid token, or none can be had. */
export function urlsAreCurrent(): Promise<void> {
  return viewIsCurrent(projectId())
}

/** The URL of a result's poster, which is stored beside it if a worker made one. */
export function posterUrl({ output_video_key: key }: Pick<Job, 'output_video_key'>): string | null {
  return key && uploadedUrl(key.replace(/\.[^./]*$/, '.jpg'))
}

/** For calls that the typed client lacks; as for every manual call, there are no automatic repeats. */
export function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answerTo<T>({ path, signal })
}

/** The answer, unless it still has the given ETag. */
export async function readIfNew<T>(
  path: string,
  etag: string | null,
  signal?: AbortSignal,
): Promise<{ body: T; etag: string | null } | null> {
  const headers = etag === null ? {} : { 'if-none-match': etag }
  const answer = await http.send({ path, headers, signal, tries: etag === null ? 4 : 1 })
  return answer.status === 304 ? null : { body: answer.body as T, etag: answer.headers.get('etag') }
}

export function post<T>(path: string, body: JsonObject): Promise<T> {
  return answerTo<T>({ method: 'POST', path, body })
}

/** A file of the service that a plain link could only open with a token in its URL. */
export async function readFile(path: string): Promise<Blob> {
  const { text } = await http.send({ path, tries: 1 })
  return new Blob([text], { type: 'application/json' })
}

async function answerTo<T>(request: ApiRequest): Promise<T> {
  const { body } = await http.send({ ...request, tries: 1 })
  return body as T
}
