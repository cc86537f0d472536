/** The actor's operations on R2: it checks for files and removes them, and never reads or writes a video. */

import type { JobJson } from '../../../wire/job.ts'
import type { ActorEnv } from '../../shared/env.ts'
import { OUTPUT_PREFIX, OwnedFile } from '../../shared/owned-file.ts'
import { withTimeout } from '../../shared/with-timeout.ts'
import { posterKeyOf } from '../core/attempts.ts'
import type { JobRequest, StoredObject } from '../core/job.ts'
import { CALL_LIMITS } from '../core/policy.ts'
import type { ViewAnswer } from '../rpc.ts'

/** The output and its poster, if it has one. An empty file is not an output. */
export async function findOutput(bucket: R2Bucket, key: string): Promise<StoredObject | null> {
  const [object, posterKey] = await Promise.all([bucket.head(key), findPoster(bucket, posterKeyOf(key))])
  if (!object || object.size === 0) return null
  return { key, size: object.size, etag: object.httpEtag, ...(posterKey !== null && { posterKey }) }
}

/** Null also when storage does not answer: a poster neither delays nor fails a job. */
async function findPoster(bucket: R2Bucket, key: string): Promise<string | null> {
  const found = await withTimeout(CALL_LIMITS.posterMs, () => bucket.head(key)).catch(() => null)
  return found && found.size > 0 ? key : null
}

export type SeenInputs =
  /** `input` is null if it is an external URL. */
  | { readonly ok: true; readonly input: OwnedFile | null; readonly assets: readonly OwnedFile[] }
  /** `detail`: a sentence about the first file that is missing, or belongs to another project. */
  | { readonly ok: false; readonly detail: string }

/** Checks the input and each asset of a job. An external input is not checked. */
export async function seeInputs(
  { VIDEOS, EXPORT_JOB }: Pick<ActorEnv, 'VIDEOS' | 'EXPORT_JOB'>,
  { inputVideoKey, inputVideoUrl, assets, projectId }: JobRequest,
): Promise<SeenInputs> {
  const absent = (key: string) =>
    ({ ok: false, detail: `There is no ${key} in this project's storage.` }) as const
  const source = jobOfResult(inputVideoKey)
  if (source !== null) {
    const answer = await EXPORT_JOB.getByName(source).view({ projectId, ifMatch: null, requestId: null })
    if (!isResult(answer, inputVideoKey))
      return { ok: false, detail: `There is no ${inputVideoKey} any more: its source was deleted.` }
  }
  const input = inputVideoUrl ? null : OwnedFile.found(await VIDEOS.head(inputVideoKey), projectId)
  if (!inputVideoUrl && !input) return absent(inputVideoKey)
  const found: OwnedFile[] = []
  for (const key of assets) {
    const asset = OwnedFile.found(await VIDEOS.head(key), projectId)
    if (!asset) return absent(key)
    found.push(asset)
  }
  return { ok: true, input, assets: found }
}

/** The id of the job whose output it is; null for a key that is not an output. */
export function jobOfResult(key: string): string | null {
  return key.startsWith(OUTPUT_PREFIX) ? (key.split('/')[1] ?? null) : null
}

/** Whether the job is complete with `key` as its result: files of other attempts are not accepted as input. */
export function isResult(answer: ViewAnswer, key: string): boolean {
  if (!answer.found) return false
  const { status, output_video_key }: JobJson = JSON.parse(answer.job)
  return status === 'complete' && output_video_key === key
}

/**
 * The object, if it is marked as this project's. Permission to use a file does not include its removal: files of
 * another project, or without one and thus of the deployment, are not returned.
 */
export async function ownObject(bucket: R2Bucket, key: string, projectId: number): Promise<R2Object | null> {
  const object = await bucket.head(key)
  return object?.customMetadata?.project === String(projectId) ? object : null
}

/** Removes everything under the prefix except `keep`. @param signal once aborted, listed files are not removed */
export async function removeUnder(
  bucket: R2Bucket,
  prefix: string,
  keep: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  let cursor: string | undefined
  do {
    const page = await bucket.list({ prefix, ...(cursor && { cursor }) })
    signal.throwIfAborted()
    const stale = page.objects.map((object) => object.key).filter((key) => !keep.includes(key))
    if (stale.length > 0) await bucket.delete(stale)
    cursor = page.truncated ? page.cursor : undefined
  } while (cursor)
}
