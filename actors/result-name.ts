/** What a finished file is saved as. */
import { cutText } from './export-job/core/text.ts'

/** A name that has to travel in a link stays short; most file systems take 255 bytes. */
const MAX_STEM_CHARACTERS = 60
const EXTENSION = /\.[^.]{1,10}$/

/**
 * The name of a result, after its source and the job's type: `input/…/holiday.mov` overlaid becomes
 * `holiday-overlay.mp4`.
 *
 * @param inputKey R2 key of the source
 * @param outputKey R2 key of the result, whose extension is taken
 */
export function resultName(inputKey: string, type: string, outputKey: string): string {
  const source = lastPart(inputKey)
  const stem = source.replace(EXTENSION, '').replace(/^[.\s-]+|[.\s-]+$/g, '')
  const short = cutText(stem, MAX_STEM_CHARACTERS).trimEnd()
  return `${short || 'video'}-${type}${EXTENSION.exec(lastPart(outputKey))?.[0] ?? ''}`
}

function lastPart(key: string): string {
  return key.split('/').at(-1) ?? ''
}
