/**
 * POST …/s3/multipart/:upload/complete: assembles the parts into the file. It may be repeated: when an answer was lost,
 * even the one from R2 to this Worker, the result is recovered from the file itself.
 */
import { encodeKey } from '../../../actors/shared/signing.ts'
import type { Part } from '../../../actors/upload/rules.ts'
import type { CompletedUpload } from '../../../wire/files.ts'
import { s3Of } from '../../env.ts'
import { type Call, json, publicUrl } from '../../http/exchange.ts'
import { parse } from '../../http/parse.ts'
import { readJson } from '../../http/read-json.ts'
import { callUpload } from '../../stubs.ts'
import { fromHex, toHex } from '../hex.ts'
import { askR2, r2Code, storageProblem } from '../r2-faults.ts'
import { problemOf, type UploadAccess, uploadOf } from './access.ts'
import { alreadyExists } from './create.ts'
import { CompleteBody } from './schemas.ts'
import { viewUpload } from './uploads.ts'

/** Room for the numbers and ETags of 10,000 parts. */
const MAX_BODY_BYTES = 2 * 1024 * 1024

interface Stored {
  size: number
  etag: string
}

/**
 * Takes `{parts: [{PartNumber, ETag}]}`, returns `{location, key, size, etag}`; 412 when the file was made another way.
 */
export async function completeUpload(call: Call): Promise<Response> {
  const upload = uploadOf(call)
  const { key, access } = upload
  const body = parse(CompleteBody, await readJson(call.request, { bytes: MAX_BODY_BYTES }))
  const claimed = body.parts.map(({ PartNumber, ETag }) => ({ number: PartNumber, etag: unquoted(ETag) }))
  const listed = s3Of(call.env) ? (await viewUpload(call, upload)).parts : null
  const answer = await callUpload(call.env, key, (actor) => actor.checkParts(access, claimed, listed))
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
    // When two requests complete it concurrently, R2 refuses the second.
    const made = r2Code(error) === GONE ? await madeBefore(call, key, parts) : null
    if (made) return made
    throw storageProblem(call, 'complete', error)
  }
}

/** R2's error code for an upload that does not exist any more. */
const GONE = '10024'

/**
 * Returns the file when these very parts have made it before. A file of this key that was made otherwise is kept, since
 * a key is written only once.
 *
 * @throws Problem 412
 */
async function madeBefore(call: Call, key: string, parts: Part[]): Promise<Stored | null> {
  const object = await askR2(call, 'head', () => call.env.VIDEOS.head(key))
  if (!object) return null
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  if (object.size !== size || !(await isMadeOf(object.etag, parts))) throw alreadyExists(object)
  return { size, etag: object.httpEtag }
}

/**
 * Whether `etag` is that of these parts: the ETag of a multipart file is the MD5 of the parts' MD5s, and their count
 * (developers.cloudflare.com/r2/objects/multipart-objects). When a part's MD5 is unknown, only the count is compared.
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
