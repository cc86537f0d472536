/** POST /api/uploads, and POST …/s3/multipart: a token for a page with an uploader, and the beginning of one file. */
import { iso } from '../../actors/export-job/core/iso.ts'
import type { UploadRequest } from '../../actors/upload/core.ts'
import type { OpenAnswer } from '../../actors/upload/upload.ts'
import { companionPath, type FileClaims, type ProjectClaims } from '../../actors/upload-token.ts'
import { requireOwnProject } from '../auth.ts'
import { mediaType, readJson } from '../body.ts'
import { type Call, json, publicUrl, type ScopedCall } from '../http.ts'
import { newId } from '../ids.ts'
import { noteUpload } from '../job-uploads.ts'
import { INPUT_PREFIX, OUTPUT_PREFIX, safeName } from '../keys.ts'
import { storedType } from '../media-types.ts'
import { Problem } from '../problem.ts'
import { storageProblem } from '../r2-faults.ts'
import {
  type BegunUpload,
  CreateBody,
  CreateFileBody,
  type UploadPage,
  UploadTokenBody,
} from '../schemas/multipart.ts'
import { callUpload } from '../stubs.ts'
import { demand } from '../validate.ts'
import { mostUploadBytes, partBytes } from './multipart-part.ts'
import { problemOf, tokenOf } from './upload-access.ts'

const MOST_BODY_BYTES = 64 * 1024
/** A page that stays open longer asks for another token, and goes on with its uploads. */
const PROJECT_TOKEN_TTL_MS = 24 * 60 * 60_000

/** POST /api/uploads: `{companion_url, expires_at}`, for any number of new files of one project. */
export async function createUploadToken(call: ScopedCall): Promise<Response> {
  const body = demand(UploadTokenBody, await readJson(call.request, { bytes: MOST_BODY_BYTES }))
  const projectId = body.project_id ?? call.caller.projectId
  requireOwnProject(call.caller, projectId)
  const expiresAt = Date.now() + PROJECT_TOKEN_TTL_MS
  const path = companionPath(call.settings.authSecrets[0], { kind: 'project', projectId }, expiresAt)
  const expires = iso(expiresAt)
  return json({ companion_url: `${publicUrl(call)}${path}`, expires_at: expires } satisfies UploadPage)
}

/** POST …/s3/multipart: `{key, uploadId, part_size_bytes}`; under a token for one file the same one when repeated. */
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
 * The file of the token, with what the body says of its size where the token does not.
 *
 * @throws Problem 400 for another size than the token announces, 413
 */
async function knownFile(call: Call, claims: FileClaims): Promise<PlannedFile> {
  const isJson = mediaType(call.request.headers.get('Content-Type')) === 'application/json'
  const isEmpty = call.request.body === null || call.request.headers.get('Content-Length') === '0'
  const input = isJson && !isEmpty ? await readJson(call.request, { bytes: MOST_BODY_BYTES }) : {}
  const { size_bytes: said = claims.sizeBytes } = demand(CreateFileBody, input)
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
  const body = demand(CreateBody, await readJson(call.request, { bytes: MOST_BODY_BYTES }))
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

/** The upload of this file that is open already, if there is one. @throws Problem 412 when the file is there */
async function underWay(call: Call, claims: FileClaims, file: PlannedFile): Promise<Begun | null> {
  const { key, sizeBytes, partBytes } = file
  const announced = claims.sizeBytes === null ? { sizeBytes, partBytes } : undefined
  const answer = await callUpload(call.env, key, (upload) => upload.current(announced))
  if (answer.ok) return answer
  if (answer.code !== 'upload_complete' && answer.code !== 'upload_not_found') throw problemOf(answer)
  const object = await reach(call, 'head', () => call.env.VIDEOS.head(key))
  if (object) throw alreadyExists(object)
  // Complete, and removed since: the same key is not written a second time.
  if (answer.code === 'upload_complete') throw problemOf(answer)
  return null
}

type Begun = Extract<OpenAnswer, { ok: true }>

/** 412: as a create-once PUT answers. The ETag tells whether it is the file that was meant. */
export function alreadyExists({ httpEtag }: R2Object): Problem {
  const detail = 'This file is there already, and may be written only once.'
  return new Problem(412, 'already_exists', detail, { headers: { ETag: httpEtag } })
}

/** R2's upload first, then its actor; of two that begin at once the actor keeps one, and the other is dropped. */
async function begin(call: Call, file: PlannedFile, tokenEndsAt: number): Promise<Begun> {
  const { env } = call
  const { key, jobId } = file
  const contentType = storedType(file.contentType)
  const made = await reach(call, 'createMultipartUpload', () =>
    env.VIDEOS.createMultipartUpload(key, {
      httpMetadata: { contentType },
      customMetadata: ownership(file),
    }),
  )
  const drop = () => made.abort().catch(() => undefined)
  try {
    // Signed into the token by this service: for an output by the job itself, else after `jobInReach`.
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
      // Inputs are gone on with under later tokens of their project.
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

async function reach<T>(call: Call, doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw storageProblem(call, doing, error)
  }
}
