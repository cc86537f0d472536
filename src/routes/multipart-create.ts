/** POST /api/uploads, and POST …/s3/multipart: a token for a page with an uploader, and the beginning of one file. */
import { iso } from '../../actors/export-job/core/view.ts'
import type { UploadRequest } from '../../actors/upload/core.ts'
import { companionPath, type FileClaims, type ProjectClaims } from '../../actors/upload-token.ts'
import { requireOwnProject } from '../auth.ts'
import { readJson } from '../body.ts'
import { type Call, json, publicUrl, type ScopedCall } from '../http.ts'
import { newId } from '../ids.ts'
import { noteUpload } from '../job-uploads.ts'
import { INPUT_PREFIX, OUTPUT_PREFIX, safeName } from '../keys.ts'
import { storedType } from '../media-types.ts'
import { Problem } from '../problem.ts'
import { storageProblem } from '../r2-faults.ts'
import { type BegunUpload, CreateBody, type UploadPage, UploadTokenBody } from '../schemas/multipart.ts'
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
  const file = claims.kind === 'file' ? claims : await newFile(call, claims)
  const uploadId =
    (claims.kind === 'file' && (await underWay(call, file.key))) || (await begin(call, file, expiresAt))
  const partSize = partBytes(call.env, file.sizeBytes)
  return json({ key: file.key, uploadId, part_size_bytes: partSize } satisfies BegunUpload)
}

/** @throws Problem 400 or 413 */
async function newFile(call: Call, { projectId }: ProjectClaims): Promise<FileClaims> {
  const body = demand(CreateBody, await readJson(call.request, { bytes: MOST_BODY_BYTES }))
  const most = mostUploadBytes(call.env)
  if (body.size_bytes !== undefined && body.size_bytes > most) {
    throw new Problem(413, 'upload_too_large', `An upload may be at most ${most} bytes.`)
  }
  return {
    kind: 'file',
    key: `${INPUT_PREFIX}${newId()}/${safeName(body.filename)}`,
    contentType: body.type,
    sizeBytes: body.size_bytes ?? null,
    projectId,
    jobId: null,
  }
}

/** The upload of this file that is open already, if there is one. @throws Problem 412 when the file is there */
async function underWay(call: Call, key: string): Promise<string | null> {
  const answer = await callUpload(call.env, key, (upload) => upload.current())
  if (answer.ok) return answer.uploadId
  if (answer.code === 'upload_complete') throw alreadyExists()
  if (answer.code !== 'upload_not_found') throw problemOf(answer)
  const object = await reach(call, 'head', () => call.env.VIDEOS.head(key))
  if (object) throw alreadyExists()
  return null
}

/** 412: as a create-once PUT answers. */
export function alreadyExists(): Problem {
  return new Problem(412, 'already_exists', 'This file is there already, and may be written only once.')
}

/** R2's upload first, then its actor; of two that begin at once the actor keeps one, and the other is dropped. */
async function begin(call: Call, file: FileClaims, tokenEndsAt: number): Promise<string> {
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
    if (jobId !== null) await noteUpload(env, jobId, key)
    const request: UploadRequest = {
      key,
      uploadId: made.uploadId,
      projectId: file.projectId,
      jobId,
      contentType,
      sizeBytes: file.sizeBytes,
      mostBytes: mostUploadBytes(env),
      // Inputs are gone on with under later tokens of their project.
      ...(key.startsWith(OUTPUT_PREFIX) && { endsAt: tokenEndsAt }),
    }
    const answer = await callUpload(env, key, (upload) => upload.open(request))
    if (!answer.ok) throw problemOf(answer)
    if (answer.uploadId !== made.uploadId) await drop()
    return answer.uploadId
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
