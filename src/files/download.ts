/** GET and HEAD /api/videos/download/:key: whole files, ranges and conditional requests, streamed from R2. */
import { create as contentDisposition } from 'content-disposition'
import { belongsTo, INPUT_PREFIX, OUTPUT_PREFIX, outputPrefix } from '../../actors/shared/owned-file.ts'
import { resultName } from '../../actors/shared/result-name.ts'
import { authorize } from '../auth/caller.ts'
import { requireSignature, signatureProblem } from '../auth/signed.ts'
import { readRow } from '../d1/row.ts'
import { evaluateConditions, type Validators, type Verdict } from '../http/conditional.ts'
import { bearerToken, type Call, isLoopback } from '../http/exchange.ts'
import { Problem, unavailable } from '../http/problem.ts'
import { mediaType } from '../http/read-json.ts'
import { isJobId } from '../jobs/ids.ts'
import { isShown } from './media-types.ts'
import { keyInPath } from './object-keys.ts'
import { askR2 } from './r2-faults.ts'

/** Signed URLs repeat within windows of ten minutes; a cached copy is revalidated after that, or when its URL expires. */
const MAX_AGE_SECONDS = 600
/** A browser caches by address alone, so a copy read with a token would answer requests with any other token. */
const REVALIDATED = 'private, no-cache'
/** On every answer, so that a file of any content executes and loads nothing as a page of this origin. */
const GUARDS = {
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'X-Content-Type-Options': 'nosniff',
}
/** The file may be replaced between `head` and `get`. */
const MAX_TRIES = 2

/** The authorized reader, and the name to save the file under. */
interface Reader {
  /** Null for a reader of all projects' files. */
  projectId: number | null
  /** The only job whose files may be read; null for all. */
  jobId: string | null
  readonly cacheControl: string
  /** Resolves the name; called only when it is needed. */
  name(): Promise<string>
}

export async function getVideo(call: Call): Promise<Response> {
  try {
    const response = await getFile(call)
    for (const [name, value] of Object.entries(GUARDS)) response.headers.set(name, value)
    return response
  } catch (error) {
    if (error instanceof Problem) Object.assign(error.headers, GUARDS)
    throw error
  }
}

async function getFile(call: Call): Promise<Response> {
  const key = keyInPath(call.params.key ?? '', [INPUT_PREFIX, OUTPUT_PREFIX])
  const reader = await readerOf(call, key)
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const response = await answer(call, key, reader)
    if (response) return response
  }
  throw unavailable('storage_unavailable', 'The file is being replaced; try again shortly.', 1)
}

/**
 * Neither a caller with a token nor the developer on this computer needs a signature; a signed URL grants the access of
 * the project that it was signed for.
 *
 * @throws Problem 401 or 403
 */
async function readerOf(call: Call, key: string): Promise<Reader> {
  const { request, url, settings } = call
  const named = bearerToken(request) !== null || url.searchParams.has('token')
  const developer = settings.environment === 'development' && isLoopback(url.hostname)
  if (!url.searchParams.has('sig') && (named || developer)) {
    const caller = await authorize(request, url, settings, 'jobs:read', { queryToken: true })
    return {
      projectId: caller.projectId,
      jobId: caller.jobId,
      cacheControl: REVALIDATED,
      name: () => nameByRow(call, key, caller.projectId),
    }
  }
  requireSignature(call, 'download', `GET ${key}`)
  const project = url.searchParams.get('project')
  // A URL from a version whose links named no project is refused.
  if (project === null) throw signatureProblem('signature_expired')
  const name = url.searchParams.get('name') ?? nameByKey(key)
  return { projectId: Number(project), jobId: null, cacheControl: cachedUntil(url), name: async () => name }
}

/** For a URL whose signature holds until its `exp`. */
function cachedUntil({ searchParams }: URL): string {
  const left = Number(searchParams.get('exp')) - Math.ceil(Date.now() / 1000)
  return `private, max-age=${Math.max(0, Math.min(MAX_AGE_SECONDS, left))}`
}

/** A token confined to one job opens that job's files only. */
function mayRead({ projectId, jobId }: Reader, object: R2Object): boolean {
  if (!belongsTo(object, projectId)) return false
  return jobId === null || object.customMetadata?.job === jobId || object.key.startsWith(outputPrefix(jobId))
}

function nameByKey(key: string): string {
  return key.split('/').at(-1) ?? key
}

/**
 * A result's file name from its job's row, since links do not contain it. When the list is out of reach the file is
 * served without a name.
 */
async function nameByRow({ env }: Call, key: string, projectId: number | null): Promise<string> {
  const [prefix, jobId = ''] = key.split('/')
  if (`${prefix}/` !== OUTPUT_PREFIX || !isJobId(jobId)) return nameByKey(key)
  const row = await readRow(env, jobId).catch(() => null)
  const known = row && (projectId === null || row.project_id === projectId)
  return known ? resultName(row.input_video_url ?? row.input_video_key, row.type, key) : nameByKey(key)
}

/** Null when the file changed after `head`. */
async function answer(call: Call, key: string, reader: Reader): Promise<Response | null> {
  const object = await askR2(call, 'get', () => call.env.VIDEOS.head(key))
  if (!object || !mayRead(reader, object)) throw new Problem(404, 'video_not_found', 'There is no such file.')
  const validators = { etag: object.httpEtag, lastModified: object.uploaded, size: object.size }
  // Range has no meaning for HEAD (RFC 9110, 14.2), unlike conditions.
  const asked = new Headers(call.request.headers)
  if (call.request.method === 'HEAD') asked.delete('Range')
  const verdict = evaluateConditions(asked, validators)
  if (verdict.status === 412)
    throw new Problem(412, 'precondition_failed', 'The file is not the one you asked for.')
  if (verdict.status === 416) {
    throw new Problem(416, 'range_not_satisfiable', `The file has ${object.size} bytes.`, {
      headers: { 'Content-Range': `bytes */${object.size}`, 'Accept-Ranges': 'bytes' },
    })
  }
  const headers = headersOf(validators, reader)
  if (verdict.status === 304) return new Response(null, { status: 304, headers })
  describe(headers, object, await reader.name(), call.url.searchParams.get('inline') === '1')
  delimit(headers, object.size, verdict)
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
  const object = await askR2(call, 'get', () => call.env.VIDEOS.get(key, { onlyIf, ...range }))
  return object && 'body' in object ? object.body : null
}

function headersOf({ etag, lastModified }: Validators, { cacheControl }: Reader): Headers {
  return new Headers({
    ETag: etag,
    'Last-Modified': lastModified.toUTCString(),
    'Cache-Control': cacheControl,
    'Accept-Ranges': 'bytes',
  })
}

/**
 * Sets type and name. Characters that change the direction of text are removed, since they could disguise the
 * extension.
 */
function describe(headers: Headers, { httpMetadata }: R2Object, name: string, wantsInline: boolean): void {
  const type = httpMetadata?.contentType ?? 'application/octet-stream'
  const inline = wantsInline && isShown(type)
  headers.set('Content-Type', inline ? mediaType(type) : type)
  const shown = name.replace(/\p{Bidi_Control}/gu, '') || 'video'
  headers.set('Content-Disposition', contentDisposition(shown, { type: inline ? 'inline' : 'attachment' }))
}

function delimit(headers: Headers, size: number, verdict: Extract<Verdict, { status: 200 | 206 }>): void {
  if (verdict.status === 206) {
    const { offset, length } = verdict
    headers.set('Content-Range', `bytes ${offset}-${offset + length - 1}/${size}`)
    headers.set('Content-Length', String(length))
  } else headers.set('Content-Length', String(size))
}
