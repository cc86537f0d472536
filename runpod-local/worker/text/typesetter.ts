/** A worker's resources for drawing text. */
import type { Shaper } from './characters.ts'
import type { Fonts } from './layout.ts'

export interface Typesetter {
  fonts: Fonts
  shaper: Shaper
}

/** A file that the filters open by name in the job's directory. */
export interface TextFile {
  name: string
  text: string
}

/** The directory of all fonts, relative to the job's; each font's file name is its index. */
export const FONTS_DIR = '../fonts'

/** The directory in the job's that holds the fonts with these indices, and no others. */
export const fontsDir = (places: readonly number[]): string => `fonts-${places.join('-')}`
