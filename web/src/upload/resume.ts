/** May an upload that a reload broke off be gone on with? */
import { isStored, type StoredPart } from '../../../client/upload-parts.ts'
import type { UploadPlan } from '../service.ts'

/** As Uppy keeps it with a file whose upload in parts has begun. */
export interface Begun {
  uploadId: string
  key: string
}

/**
 * Only with the very file that it began with: Uppy takes every part that is listed for one of the file at hand, so all
 * of them are compared before. False also for an upload that has ended meanwhile.
 */
export async function mayGoOn(plan: UploadPlan, begun: Begun | undefined, file: Blob): Promise<boolean> {
  if (plan.size_bytes !== file.size) return false
  const { multipart } = plan
  if (!multipart || !begun) return true
  const { companion_url, part_size_bytes: size } = multipart
  const upload = `${companion_url}/s3/multipart/${encodeURIComponent(begun.uploadId)}`
  const answer = await fetch(`${upload}?${new URLSearchParams({ key: begun.key })}`)
  if (answer.status === 404) return false
  if (!answer.ok) throw new Error(`What is stored of this upload could not be read (${answer.status}).`)
  const stored: StoredPart[] = await answer.json()
  for (const part of stored) {
    const from = (part.PartNumber - 1) * size
    if (!(await isStored(part, file.slice(from, from + size)))) return false
  }
  return true
}
