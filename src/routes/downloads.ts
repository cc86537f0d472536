/** GET and HEAD /api/videos/download/:key: whole files, ranges and conditions, from R2 as a stream. */
import { create as contentDisposition } from 'content-disposition'
import { logFault } from '../../actors/log.ts'
import { belongsTo, outputPrefix } from '../../actors/owned-file.ts'
import { resultName } from '../../actors/result-name.ts'
import { authorize, isLoopback } from '../auth.ts'
import { mediaType } from '../body.ts'
import { judge, type Validators, type Verdict } from '../conditional.ts'
import { bearerToken, type Call } from '../http.ts'
import { isJobId } from '../ids.ts'
import { readRow } from '../job-rows.ts'
import { INPUT_PREFIX, keyInPath, OUTPUT_PREFIX } from '../keys.ts'
import { isShown } from '../media-types.ts'
import { Problem, unavailable } from '../problem.ts'
import { requireSignature, signatureProblem } from './signed.ts'

/** Signed URLs repeat within windows of ten minutes; a copy is asked about again after that. */
const CACHE_CONTROL = 'private, max-age=600'
/** On every answer: whatever a file holds, it runs nothing and loads nothing as a page of this origin. */
const GUARDS = {
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'X-Content-Type-Options': 'nosniff',
}
/** The file may be replaced between looking and reading. */
const MOST_TRIES = 2

/** Who reads, and how the file is to be saved. */
interface Reader {
  /** Null for who may read the files of every project. */
  projectId: number | null
  /** Not null: this job's files only. */
  jobId: string | null
  /** Asked only when the name is wanted. */
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
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const response = await answer(call, key, reader)
    if (response) return response
  }
  throw unavailable('storage_unavailable', 'The file is being replaced; try again shortly.', 1)
}

/**
 * A caller with a token needs no signature, nor does the developer on this computer; who holds a signed URL reads for
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
      name: () => nameByRow(call, key, caller.projectId),
    }
  }
  requireSignature(call, 'download', `GET ${key}`)
  const project = url.searchParams.get('project')
  // An address of the time when links named no project opens nothing any more.
  if (project === null) throw signatureProblem('signature_expired')
  const name = url.searchParams.get('name') ?? nameByKey(key)
  return { projectId: Number(project), jobId: null, name: async () => name }
}

/** A token for one job opens that job's files only. */
function mayRead({ projectId, jobId }: Reader, object: R2Object): boolean {
  if (!belongsTo(object, projectId)) return false
  return jobId === null || object.customMetadata?.job === jobId || object.key.startsWith(outputPrefix(jobId))
}

function nameByKey(key: string): string {
  return key.split('/').at(-1) ?? key
}

/** A result's name by its job in the list, since no link says it; a list out of reach costs the name, not the file. */
async function nameByRow({ env }: Call, key: string, projectId: number | null): Promise<string> {
  const [prefix, jobId = ''] = key.split('/')
  if (`${prefix}/` !== OUTPUT_PREFIX || !isJobId(jobId)) return nameByKey(key)
  const row = await readRow(env, jobId).catch(() => null)
  const known = row && (projectId === null || row.project_id === projectId)
  return known ? resultName(row.input_video_key, row.type, key) : nameByKey(key)
}

/** Null when the file changed after it was looked at. */
async function answer(call: Call, key: string, reader: Reader): Promise<Response | null> {
  const object = await reach(call, () => call.env.VIDEOS.head(key))
  if (!object || !mayRead(reader, object)) throw new Problem(404, 'video_not_found', 'There is no such file.')
  const validators = { etag: object.httpEtag, lastModified: object.uploaded, size: object.size }
  // Range has no meaning for HEAD (RFC 9110, 14.2); conditions have.
  const asked = new Headers(call.request.headers)
  if (call.request.method === 'HEAD') asked.delete('Range')
  const verdict = judge(asked, validators)
  if (verdict.status === 412)
    throw new Problem(412, 'precondition_failed', 'The file is not the one you asked for.')
  if (verdict.status === 416) {
    throw new Problem(416, 'range_not_satisfiable', `The file has ${object.size} bytes.`, {
      headers: { 'Content-Range': `bytes */${object.size}`, 'Accept-Ranges': 'bytes' },
    })
  }
  const headers = headersOf(validators)
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
  const object = await reach(call, () => call.env.VIDEOS.get(key, { onlyIf, ...range }))
  return object && 'body' in object ? object.body : null
}

function headersOf({ etag, lastModified }: Validators): Headers {
  return new Headers({
    ETag: etag,
    'Last-Modified': lastModified.toUTCString(),
    'Cache-Control': CACHE_CONTROL,
    'Accept-Ranges': 'bytes',
  })
}

/** Type and name. Characters that turn the direction of writing could make one extension look like another. */
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

async function reach<T>(call: Call, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    logFault('r2', error, { doing: 'get', request_id: call.requestId })
    throw unavailable('storage_unavailable', 'Storage could not be reached; try again shortly.')
  }
}
