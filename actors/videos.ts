/** What the actor does with R2: looks, and removes. It never reads or writes a video. */
import type { StoredObject } from './export-job/core/job.ts'

/** A file of no bytes is no output. */
export async function findOutput(bucket: R2Bucket, key: string): Promise<StoredObject | null> {
  const object = await bucket.head(key)
  return object && object.size > 0 ? { key, size: object.size, etag: object.httpEtag } : null
}

/**
 * The first of `keys` that is missing, or that belongs to another project; null when all may be used. An object
 * without an owner was put by the deployment's own hand and belongs to every project.
 */
export async function unusableKey(
  bucket: R2Bucket,
  keys: readonly string[],
  projectId: number,
): Promise<string | null> {
  for (const key of keys) {
    const object = await bucket.head(key)
    const owner = object?.customMetadata?.project
    if (!object || (owner !== undefined && owner !== String(projectId))) return key
  }
  return null
}

/**
 * The object, when it carries this project's mark. Leave to use is no leave to remove: what belongs to another project,
 * or to no project and so to the deployment, is not this one's.
 */
export async function ownObject(bucket: R2Bucket, key: string, projectId: number): Promise<R2Object | null> {
  const object = await bucket.head(key)
  return object?.customMetadata?.project === String(projectId) ? object : null
}

export function outputPrefix(jobId: string): string {
  return `output/${jobId}/`
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
