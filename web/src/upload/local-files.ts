/** Files of this visit by their storage key, so that they are shown without a download. */
import { uploadedUrl } from '../service.ts'

const files = new Map<string, Blob>()
const urls = new WeakMap<Blob, string>()

export function rememberLocal(key: string, file: Blob): void {
  files.set(key, file)
}

/** The only object URL of a file, valid while the page lives, so that playback continues when the file is stored. */
export function fileUrl(file: Blob): string {
  const url = urls.get(file) ?? URL.createObjectURL(file)
  urls.set(file, url)
  return url
}

/** A URL of the file stored under the key; null when it is not from this visit. */
export function localUrl(key: string): string | null {
  const file = files.get(key)
  return file ? fileUrl(file) : null
}

/** A URL of an upload: of this visit's file, else the service's. */
export function storedUrl(key: string): string {
  return localUrl(key) ?? uploadedUrl(key)
}
