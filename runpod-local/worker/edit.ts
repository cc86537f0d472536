/** The interface between job types and the plan: what a type does to the picture. */

import type { Probe } from './media.ts'
import type { OutputSettings, Size } from './output.ts'
import type { TextFile, Typesetter } from './text/typesetter.ts'

/** One step on the picture: a plain filter, or an overlay that is drawn or is an image. */
export type Step =
  | { filter: string }
  /** `drawn` contains the filters that create it, `place` is the overlay filter. */
  | { drawn: string[]; place: string }
  /** `prepare` is applied to the image with this index in `Edit.imageKeys`, `place` is the overlay filter. */
  | { image: number; prepare: string[]; place: string }

/** A job type's result for its params and the input. */
export interface Edit {
  output: OutputSettings
  steps: Step[]
  /** Whether the steps need RGB, so that text and images keep their colours. */
  inRgb: boolean
  /** Size of the picture after the steps, before `output`. */
  size: Size
  /** Start of the result in the input, and its duration; seconds. */
  start: number
  duration: number
  /** When something on the picture appears or disappears; seconds of the input. */
  changes?: readonly number[]
  /** Text files that the filters open by name. */
  texts: TextFile[]
  /** The sets of fonts that the steps need, as indices into the list of fonts. */
  fontSets: number[][]
  /** R2 keys of the images, in the order of their index. */
  imageKeys: string[]
}

/** A job type. `input` has even dimensions and square pixels, whatever the file has. */
export interface JobType {
  name: string
  edit(params: unknown, input: Probe, typesetter: Typesetter): Edit
  /**
   * Filters that an ffmpeg may lack and that these params require; called before anything is downloaded. Throws when
   * the params are invalid, or contain text that cannot be drawn here.
   */
  needs?(params: unknown, typesetter: Typesetter): readonly string[]
}
