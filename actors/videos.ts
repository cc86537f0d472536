/** What the actor does with R2: looks, and removes. It never reads or writes a video. */
import type { JobRequest, StoredObject } from './export-job/core/job.ts'
import { OwnedFile } from './owned-file.ts'

/** A file of no bytes is no output. */
export async function findOutput(bucket: R2Bucket, key: string): Promise<StoredObject | null> {
  const object = await bucket.head(key)
  return object && object.size > 0 ? { key, size: object.size, etag: object.httpEtag } : null
}

export type SeenInputs =
  | { readonly ok: true; readonly input: OwnedFile; readonly assets: readonly OwnedFile[] }
  | { readonly ok: false; readonly missing: string }

/** Looks for the input and each asset of a job; `missing` is the first that is not there, or another project's. */
export async function seeInputs(
  bucket: R2Bucket,
  { inputVideoKey, assets, projectId }: JobRequest,
): Promise<SeenInputs> {
  const input = OwnedFile.found(await bucket.head(inputVideoKey), projectId)
  if (!input) return { ok: false, missing: inputVideoKey }
  const found: OwnedFile[] = []
  for (const key of assets) {
    const asset = OwnedFile.found(await bucket.head(key), projectId)
    if (!asset) return { ok: false, missing: key }
    found.push(asset)
  }
  return { ok: true, input, assets: found }
}

/**
 * The object, when it carries this project's mark. Leave to use is no leave to remove: what belongs to another project,
 * or to no project and so to the deployment, is not this one's.
 */
export async function ownObject(bucket: R2Bucket, key: string, projectId: number): Promise<R2Object | null> {
  const object = await bucket.head(key)
  return object?.customMetadata?.project === String(projectId) ? object : null
}

/** Removes everything under the prefix but `keep`. @param signal aborted: what was listed is left alone */
export async function removeUnder(
  bucket: R2Bucket,
  prefix: string,
  keep: string | null,
  signal: AbortSignal,
): Promise<void> {
  let cursor: string | undefined
  do {
    const page = await bucket.list({ prefix, ...(cursor && { cursor }) })
    signal.throwIfAborted()
    const stale = page.objects.map((object) => object.key).filter((key) => key !== keep)
    if (stale.length > 0) await bucket.delete(stale)
    cursor = page.truncated ? page.cursor : undefined
  } while (cursor)
}
