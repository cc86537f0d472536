/** Files of this visit by the key they were stored under, so that they are shown without being fetched again. */
import { uploadedUrl } from '../service.ts'

const files = new Map<string, Blob>()
const urls = new Map<string, string>()

export function rememberLocal(key: string, file: Blob): void {
  files.set(key, file)
}

/** An address of the file for as long as the page lives; null when it is not from this visit. */
export function localUrl(key: string): string | null {
  const known = urls.get(key)
  if (known) return known
  const file = files.get(key)
  if (!file) return null
  const url = URL.createObjectURL(file)
  urls.set(key, url)
  return url
}

/** An address of what was uploaded: the file of this visit, else what the service has under the key. */
export function storedUrl(key: string): string {
  return localUrl(key) ?? uploadedUrl(key)
}
