/** Which media types may be stored, and which of them a browser may show as a page of this origin. */
import { mediaType } from './body.ts'
import { Problem } from './problem.ts'

/**
 * Video of any kind, and the image types that overlays take. SVG can carry scripts and is not among them, nor is any
 * type with a `+`: a structured suffix says that the file can be read as something else (RFC 6838, 4.2.8), and browsers
 * read every `+xml` as a document that can carry scripts.
 */
export const STORED_TYPE = /^(?:video\/[a-z0-9][a-z0-9.-]{0,100}|image\/png|image\/jpeg)$/

/** A file whose type nobody named. */
export const UNNAMED_TYPE = 'application/octet-stream'

/** What browsers play and show by themselves, without anything in it that could run. */
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

/** The type that a file is stored with. @throws Problem 415 for one that is not taken */
export function storedType(type: string): string {
  if (STORED_TYPE.test(type)) return type
  const detail = `A file of type ${type} is not taken; send a video, PNG or JPEG.`
  throw new Problem(415, 'unsupported_media_type', detail)
}

/** May a file of this type be shown rather than saved? */
export function isShown(contentType: string): boolean {
  return SHOWN_TYPES.has(mediaType(contentType))
}
