/** POST /api/uploads issues a token for a page with an uploader; POST …/s3/multipart begins the upload of one file. */
import { iso } from '../../../actors/export-job/core/iso.ts'
import { INPUT_PREFIX, OUTPUT_PREFIX } from '../../../actors/shared/owned-file.ts'
import { companionPath, type FileClaims, type ProjectClaims } from '../../../actors/shared/upload-token.ts'
import type { UploadRequest } from '../../../actors/upload/rules.ts'
import type { OpenAnswer } from '../../../actors/upload/upload.ts'
import type { BegunUpload } from '../../../wire/files.ts'
import { requireOwnProject } from '../../auth/caller.ts'
import { noteUpload } from '../../d1/job-uploads.ts'
import { type Call, json, publicUrl, type ScopedCall } from '../../http/exchange.ts'
import { parse } from '../../http/parse.ts'
import { Problem } from '../../http/problem.ts'
import { mediaType, readJson } from '../../http/read-json.ts'
import { newId } from '../../jobs/ids.ts'
import { callUpload } from '../../stubs.ts'
import { storedType } from '../media-types.ts'
import { safeName } from '../object-keys.ts'
import { askR2 } from '../r2-faults.ts'
import { problemOf, tokenOf } from './access.ts'
import { mostUploadBytes, partBytes } from './part.ts'
import { CreateBody, CreateFileBody, type UploadPage, UploadTokenBody } from './schemas.ts'

const MAX_BODY_BYTES = 64 * 1024
/** A page that stays open longer requests another token, and continues its uploads with it. */
const PROJECT_TOKEN_TTL_MS = 24 * 60 * 60_000

/** POST /api/uploads: `{companion_url, expires_at}`, for any number of new files of one project. */
export async function createUploadToken(call: ScopedCall): Promise<Response> {
  const body = parse(UploadTokenBody, await readJson(call.request, { bytes: MAX_BODY_BYTES }))
  const projectId = body.project_id ?? call.caller.projectId
  requireOwnProject(call.caller, projectId)
  const expiresAt = Date.now() + PROJECT_TOKEN_TTL_MS
  const path = companionPath(call.settings.authSecrets[0], { kind: 'project', projectId }, expiresAt)
  const expires = iso(expiresAt)
  return json({ companion_url: `${publicUrl(call)}${path}`, expires_at: expires } satisfies UploadPage)
}

/**
 * POST …/s3/multipart: `{key, uploadId, part_size_bytes}`; repeated under a token for one file, it returns the same
 * upload.
 */
export async function createUpload(call: Call): Promise<Response> {
  const { claims, expiresAt } = tokenOf(call)
  const file = claims.kind === 'file' ? await knownFile(call, claims) : await newFile(call, claims)
  const begun =
    (claims.kind === 'file' && (await underWay(call, claims, file))) || (await begin(call, file, expiresAt))
  const { uploadId, partBytes: partSize = file.partBytes } = begun
  return json({ key: file.key, uploadId, part_size_bytes: partSize } satisfies BegunUpload)
}

type PlannedFile = FileClaims & { readonly partBytes: number }

/**
 * The file of the token, with the size from the body when the token has none.
 *
 * @throws Problem 400 when the size differs from the token's, 413
 */
async function knownFile(call: Call, claims: FileClaims): Promise<PlannedFile> {
  const isJson = mediaType(call.request.headers.get('Content-Type')) === 'application/json'
  const isEmpty = call.request.body === null || call.request.headers.get('Content-Length') === '0'
  const input = isJson && !isEmpty ? await readJson(call.request, { bytes: MAX_BODY_BYTES }) : {}
  const { size_bytes: said = claims.sizeBytes } = parse(CreateFileBody, input)
  if (claims.sizeBytes !== null && said !== claims.sizeBytes) {
    const detail = `${claims.sizeBytes} bytes were announced for this upload, and this file has ${said}.`
    throw new Problem(400, 'size_mismatch', detail)
  }
  requireSize(call, said)
  const partSize = claims.partBytes ?? partBytes(call.env, said)
  return { ...claims, sizeBytes: said, partBytes: partSize }
}

/** @throws Problem 413 */
function requireSize(call: Call, size: number | null): void {
  const most = mostUploadBytes(call.env)
  if (size !== null && size > most) {
    throw new Problem(413, 'upload_too_large', `An upload may be at most ${most} bytes.`)
  }
}

/** @throws Problem 400 or 413 */
async function newFile(call: Call, { projectId }: ProjectClaims): Promise<PlannedFile> {
  const body = parse(CreateBody, await readJson(call.request, { bytes: MAX_BODY_BYTES }))
  const sizeBytes = body.size_bytes ?? null
  requireSize(call, sizeBytes)
  return {
    kind: 'file',
    key: `${INPUT_PREFIX}${newId()}/${safeName(body.filename)}`,
    contentType: body.type,
    sizeBytes,
    partBytes: partBytes(call.env, sizeBytes),
    projectId,
    jobId: null,
  }
}

/** The open upload of this file, if there is one. @throws Problem 412 when the file exists */
async function underWay(call: Call, claims: FileClaims, file: PlannedFile): Promise<Begun | null> {
  const { key, sizeBytes, partBytes } = file
  const announced = claims.sizeBytes === null ? { sizeBytes, partBytes } : undefined
  const answer = await callUpload(call.env, key, (upload) => upload.current(announced))
  if (answer.ok) return answer
  if (answer.code !== 'upload_complete' && answer.code !== 'upload_not_found') throw problemOf(answer)
  const object = await askR2(call, 'head', () => call.env.VIDEOS.head(key))
  if (object) throw alreadyExists(object)
  // The upload was completed and the file removed since; a key is not written a second time.
  if (answer.code === 'upload_complete') throw problemOf(answer)
  return null
}

type Begun = Extract<OpenAnswer, { ok: true }>

/** The 412 of a create-once PUT. Its ETag lets a client check whether it is the intended file. */
export function alreadyExists({ httpEtag }: R2Object): Problem {
  const detail = 'This file is there already, and may be written only once.'
  return new Problem(412, 'already_exists', detail, { headers: { ETag: httpEtag } })
}

/** Creates R2's upload, then its actor. Of two concurrent calls the actor keeps one upload; the other is aborted. */
async function begin(call: Call, file: PlannedFile, tokenEndsAt: number): Promise<Begun> {
  const { env } = call
  const { key, jobId } = file
  const contentType = storedType(file.contentType)
  const made = await askR2(call, 'createMultipartUpload', () =>
    env.VIDEOS.createMultipartUpload(key, {
      httpMetadata: { contentType },
      customMetadata: ownership(file),
    }),
  )
  const drop = () => made.abort().catch(() => undefined)
  try {
    // The token is signed by this service: for an output by the job itself, else after `jobInReach`.
    if (jobId !== null) await noteUpload(env, jobId, key)
    const request: UploadRequest = {
      key,
      uploadId: made.uploadId,
      projectId: file.projectId,
      jobId,
      contentType,
      sizeBytes: file.sizeBytes,
      partBytes: file.partBytes,
      mostBytes: mostUploadBytes(env),
      // An upload of an input may be continued under later tokens of its project.
      ...(key.startsWith(OUTPUT_PREFIX) && { endsAt: tokenEndsAt }),
    }
    const answer = await callUpload(env, key, (upload) => upload.open(request))
    if (!answer.ok) throw problemOf(answer)
    if (answer.uploadId !== made.uploadId) await drop()
    return answer
  } catch (error) {
    await drop()
    throw error
  }
}

function ownership({ projectId, jobId }: FileClaims): Record<string, string> {
  return { ...(projectId !== null && { project: String(projectId) }), ...(jobId !== null && { job: jobId }) }
}
