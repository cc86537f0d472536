/** Builds the file name of a result. */
import { cutText } from '../export-job/core/text.ts'

/** Short, because the name is part of a link; most file systems allow 255 bytes. */
const MAX_STEM_CHARACTERS = 60
const EXTENSION = /\.[^.]{1,10}$/

/**
 * The name of a result, from its source and the job's type: `input/…/holiday.mov` with an overlay becomes
 * `holiday-overlay.mp4`.
 *
 * @param source R2 key of the source, or its URL
 * @param outputKey R2 key of the result, whose extension is used
 */
export function resultName(source: string, type: string, outputKey: string): string {
  const stem = lastPart(decoded(source))
    .replace(EXTENSION, '')
    .replace(/^[.\s-]+|[.\s-]+$/g, '')
  const short = cutText(stem, MAX_STEM_CHARACTERS).trimEnd()
  return `${short || 'video'}-${type}${EXTENSION.exec(lastPart(outputKey))?.[0] ?? ''}`
}

/** A URL is percent-encoded, a key is not. */
function decoded(source: string): string {
  if (!/^https?:/.test(source)) return source
  try {
    return decodeURIComponent(source).replace(/\p{Cc}+/gu, ' ')
  } catch {
    return source
  }
}

function lastPart(key: string): string {
  return key.split('/').at(-1) ?? ''
}
