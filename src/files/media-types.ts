/** Which media types may be stored, and which of them are served inline. */

import { Problem } from '../http/problem.ts'
import { mediaType } from '../http/read-json.ts'

/**
 * Video of any kind, and the image types that overlays take. SVG can carry scripts and is not among them, nor is any
 * type with a `+`: a structured suffix says that the file can be read as something else (RFC 6838, 4.2.8), and browsers
 * read every `+xml` as a document that can carry scripts.
 */
export const STORED_TYPE = /^(?:video\/[a-z0-9][a-z0-9.-]{0,100}|image\/png|image\/jpeg)$/

/** The type of a file without a stated one. */
export const UNNAMED_TYPE = 'application/octet-stream'

/** Types that browsers render themselves, and that cannot contain scripts. */
const SHOWN_TYPES = new Set([
  'image/jpeg',
  'image/png',
  'video/3gpp',
  'video/mp2t',
  'video/mp4',
  'video/mpeg',
  'video/ogg',
  'video/quicktime',
  'video/webm',
  'video/x-m4v',
  'video/x-matroska',
  'video/x-msvideo',
])

/** The type to store the file with. @throws Problem 415 when it is not accepted */
export function storedType(type: string): string {
  if (STORED_TYPE.test(type)) return type
  const detail = `A file of type ${type} is not taken; send a video, PNG or JPEG.`
  throw new Problem(415, 'unsupported_media_type', detail)
}

/** Whether a file of this type may be shown inline rather than saved. */
export function isShown(contentType: string): boolean {
  return SHOWN_TYPES.has(mediaType(contentType))
}
