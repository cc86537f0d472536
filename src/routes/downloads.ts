/** GET and HEAD /api/videos/download/:key: whole files, ranges and conditions, from R2 as a stream. */
import { create as contentDisposition } from 'content-disposition'
import { logFault } from '../../actors/log.ts'
import { authorize, type Caller, isLoopback } from '../auth.ts'
import { judge, type Validators, type Verdict } from '../conditional.ts'
import { bearerToken, type Call } from '../http.ts'
import { INPUT_PREFIX, keyInPath, OUTPUT_PREFIX } from '../keys.ts'
import { Problem, unavailable } from '../problem.ts'
import { requireSignature } from './signed.ts'

/** Signed URLs repeat within windows of ten minutes; a copy is asked about again after that. */
const CACHE_CONTROL = 'private, max-age=600'
/** Shown in the browser on request; anything else could run as a page of this origin. */
const MAY_BE_INLINE = /^(?:video\/|audio\/|image\/(?:png|jpeg)$)/
/** The file may be replaced between looking and reading. */
const MOST_TRIES = 2

export async function getVideo(call: Call): Promise<Response> {
  const key = keyInPath(call.params.key ?? '', [INPUT_PREFIX, OUTPUT_PREFIX])
  const caller = await callerOf(call, key)
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const response = await answer(call, key, caller)
    if (response) return response
  }
  throw unavailable('storage_unavailable', 'The file is being replaced; try again shortly.', 1)
}

/**
 * A caller with a token needs no signature, nor does the developer on this computer; null for who holds a signed URL.
 *
 * @throws Problem 401 or 403
 */
async function callerOf(call: Call, key: string): Promise<Caller | null> {
  const { request, url, settings } = call
  const named = bearerToken(request) !== null || url.searchParams.has('token')
  const developer = settings.environment === 'development' && isLoopback(url.hostname)
  if (!url.searchParams.has('sig') && (named || developer))
    return authorize(request, url, settings, 'jobs:read', { queryToken: true })
  requireSignature(call, 'download', `GET ${key}`)
  return null
}

/** Files without an owner belong to every project, and a token for one job opens that job's files. */
function mayRead({ projectId, jobId }: Caller, { key, customMetadata }: R2Object): boolean {
  const owner = customMetadata?.project
  if (projectId !== null && owner !== undefined && owner !== String(projectId)) return false
  return jobId === null || customMetadata?.job === jobId || key.startsWith(`${OUTPUT_PREFIX}${jobId}/`)
}

/** Null when the file changed after it was looked at. */
async function answer(call: Call, key: string, caller: Caller | null): Promise<Response | null> {
  const object = await reach(call, () => call.env.VIDEOS.head(key))
  if (!object || (caller && !mayRead(caller, object)))
    throw new Problem(404, 'video_not_found', 'There is no such file.')
  const validators = { etag: object.httpEtag, lastModified: object.uploaded, size: object.size }
  // Range has no meaning for HEAD (RFC 9110, 14.2); conditions have.
  const asked = new Headers(call.request.headers)
  if (call.request.method === 'HEAD') asked.delete('Range')
  const verdict = judge(asked, validators)
  if (verdict.status === 412)
    throw new Problem(412, 'precondition_failed', 'The file is not the one you asked for.')
  const headers = headersOf(call, key, object, validators, verdict)
  if (verdict.status === 416) {
    throw new Problem(416, 'range_not_satisfiable', `The file has ${object.size} bytes.`, {
      headers: { 'Content-Range': `bytes */${object.size}`, 'Accept-Ranges': 'bytes' },
    })
  }
  if (verdict.status === 304) return new Response(null, { status: 304, headers })
  if (call.request.method === 'HEAD') return new Response(null, { status: 200, headers })
  const body = await read(call, key, validators, verdict)
  return body && new Response(body, { status: verdict.status, headers })
}

async function read(
  call: Call,
  key: string,
  { etag }: Validators,
  verdict: Extract<Verdict, { status: 200 | 206 }>,
): Promise<ReadableStream | null> {
  const onlyIf = { etagMatches: etag.replaceAll('"', '') }
  const range = verdict.status === 206 ? { range: { offset: verdict.offset, length: verdict.length } } : {}
  const object = await reach(call, () => call.env.VIDEOS.get(key, { onlyIf, ...range }))
  return object && 'body' in object ? object.body : null
}

function headersOf(
  call: Call,
  key: string,
  object: R2Object,
  { etag, lastModified, size }: Validators,
  verdict: Verdict,
): Headers {
  const headers = new Headers({
    ETag: etag,
    'Last-Modified': lastModified.toUTCString(),
    'Cache-Control': CACHE_CONTROL,
    'Accept-Ranges': 'bytes',
    'X-Content-Type-Options': 'nosniff',
  })
  if (verdict.status === 304) return headers
  const type = object.httpMetadata?.contentType ?? 'application/octet-stream'
  const inline = call.url.searchParams.get('inline') === '1' && MAY_BE_INLINE.test(type)
  headers.set('Content-Type', type)
  headers.set(
    'Content-Disposition',
    contentDisposition(key.split('/').at(-1), { type: inline ? 'inline' : 'attachment' }),
  )
  if (verdict.status === 206) {
    const { offset, length } = verdict
    headers.set('Content-Range', `bytes ${offset}-${offset + length - 1}/${size}`)
    headers.set('Content-Length', String(length))
  } else headers.set('Content-Length', String(size))
  return headers
}

async function reach<T>(call: Call, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    logFault('r2', error, { doing: 'get', request_id: call.requestId })
    throw unavailable('storage_unavailable', 'Storage could not be reached; try again shortly.')
  }
}
