/**
 * POST …/s3/multipart/:upload/complete: the parts become the file. Repeat-safe: an answer that was lost on the way,
 * even the one from R2 to here, is found again in the file itself.
 */
import { encodeKey } from '../../actors/signing.ts'
import type { Part } from '../../actors/upload/core.ts'
import { readJson } from '../body.ts'
import { s3Of } from '../env.ts'
import { fromHex, toHex } from '../hex.ts'
import { type Call, json, publicUrl } from '../http.ts'
import { r2Code, storageProblem } from '../r2-faults.ts'
import { CompleteBody, type CompletedUpload } from '../schemas/multipart.ts'
import { callUpload } from '../stubs.ts'
import { demand } from '../validate.ts'
import { look } from './multipart.ts'
import { alreadyExists } from './multipart-create.ts'
import { problemOf, type UploadAccess, uploadOf } from './upload-access.ts'

/** Numbers and ETags of 10,000 parts. */
const MOST_BODY_BYTES = 2 * 1024 * 1024

interface Stored {
  size: number
  etag: string
}

/** `{parts: [{PartNumber, ETag}]}` becomes `{location, key, size, etag}`; 412 when the file was made another way. */
export async function completeUpload(call: Call): Promise<Response> {
  const upload = uploadOf(call)
  const { key, access } = upload
  const body = demand(CompleteBody, await readJson(call.request, { bytes: MOST_BODY_BYTES }))
  const claimed = body.parts.map(({ PartNumber, ETag }) => ({ number: PartNumber, etag: unquoted(ETag) }))
  const listed = s3Of(call.env) ? (await look(call, upload)).parts : null
  const answer = await callUpload(call.env, key, (actor) => actor.judge(access, claimed, listed))
  if (!answer.ok) throw problemOf(answer)
  const { size, etag } = answer.done ?? (await complete(call, upload, answer.parts))
  const location = `${publicUrl(call)}/api/videos/download/${encodeKey(key)}`
  return json({ location, key, size, etag } satisfies CompletedUpload)
}

async function complete(call: Call, { key, access }: UploadAccess, parts: Part[]): Promise<Stored> {
  const { uploadId } = access
  const stored = (await madeBefore(call, key, parts)) ?? (await putTogether(call, key, uploadId, parts))
  await callUpload(call.env, key, (upload) => upload.completed(uploadId, stored))
  return stored
}

async function putTogether(call: Call, key: string, uploadId: string, parts: Part[]): Promise<Stored> {
  try {
    const { VIDEOS } = call.env
    const object = await VIDEOS.resumeMultipartUpload(key, uploadId).complete(
      parts.map(({ number, etag }) => ({ partNumber: number, etag })),
    )
    return { size: object.size, etag: object.httpEtag }
  } catch (error) {
    // Two may complete at once, and one of them comes second.
    const made = r2Code(error) === GONE ? await madeBefore(call, key, parts) : null
    if (made) return made
    throw storageProblem(call, 'complete', error)
  }
}

/** R2's code for an upload that it does not know any more. */
const GONE = '10024'

/**
 * The file, when these very parts have made it before. Another file of this key stands, since a key is written only once.
 *
 * @throws Problem 412
 */
async function madeBefore(call: Call, key: string, parts: Part[]): Promise<Stored | null> {
  let object: R2Object | null
  try {
    object = await call.env.VIDEOS.head(key)
  } catch (error) {
    throw storageProblem(call, 'head', error)
  }
  if (!object) return null
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  if (object.size !== size || !(await isMadeOf(object.etag, parts))) throw alreadyExists(object)
  return { size, etag: object.httpEtag }
}

/**
 * The ETag of a file made of parts is the MD5 of their MD5s, and their count
 * (developers.cloudflare.com/r2/objects/multipart-objects). Parts without a known MD5 are taken by their count.
 */
async function isMadeOf(etag: string, parts: readonly Part[]): Promise<boolean> {
  const sums = parts.flatMap(({ md5 }) => (md5 === null ? [] : [md5]))
  if (sums.length < parts.length) return etag.endsWith(`-${parts.length}`)
  const digest = await crypto.subtle.digest('MD5', fromHex(sums.join('')))
  return etag === `${toHex(new Uint8Array(digest))}-${parts.length}`
}

/** Companion's clients send the ETag with or without its quotes. */
function unquoted(etag: string): string {
  return etag.replace(/^"+|"+$/g, '')
}
