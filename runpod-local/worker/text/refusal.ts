/** Refuses text that cannot be drawn here, before anything is downloaded: the alternative would be empty boxes. */
import { invalidParams } from '../failure.ts'
import { clustersOf, type Shaper, shaperFor } from './characters.ts'
import { missingFrom } from './layout.ts'
import type { Typesetter } from './typesetter.ts'

const ABLE: Record<Shaper, readonly Shaper[]> = {
  none: ['none'],
  fribidi: ['none', 'fribidi'],
  harfbuzz: ['none', 'fribidi', 'harfbuzz'],
}

/** Maximum number of characters to list. */
const MAX_NAMED = 5

/** @throws JobFailure `invalid_params` when no font has a character, or it would be drawn wrongly without shaping */
export function refuseUndrawable(text: string, { fonts, shaper }: Typesetter): void {
  const missing = missingFrom(text, fonts)
  if (missing.length > 0) throw invalidParams(`The text cannot be drawn: no font here has ${named(missing)}.`)
  const unshaped = [...new Set(clustersOf(text))].filter((each) => !ABLE[shaper].includes(shaperFor(each)))
  if (unshaped.length > 0) {
    throw invalidParams(`The text cannot be drawn: this worker's ffmpeg cannot shape ${named(unshaped)}.`)
  }
}

function named(characters: readonly string[]): string {
  const more = characters.length > MAX_NAMED ? ` and ${characters.length - MAX_NAMED} more` : ''
  return characters.slice(0, MAX_NAMED).join(' ') + more
}
