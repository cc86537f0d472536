/** What a job type is, and what it says about a job: the seam between the types and the plan. */

import type { Probe } from './media.ts'
import type { OutputSettings, Size } from './output.ts'

/** One thing done to the picture: a plain filter, or an image laid over it. */
export type Step =
  | { filter: string }
  /** `prepare` is applied to the image with this index in `Edit.imageKeys`, `place` is the overlay filter. */
  | { image: number; prepare: string[]; place: string }

/** What a job type makes of its params and the input. */
export interface Edit {
  output: OutputSettings
  steps: Step[]
  /** Whether the steps need RGB: text and images keep their colours there. */
  inRgb: boolean
  /** Size of the picture after the steps, before `output`. */
  size: Size
  /** Where the result starts in the input, and how long it is; seconds. */
  start: number
  duration: number
  /** Text files that the filters read by name. */
  texts: { name: string; text: string }[]
  /** R2 keys of the images, in the order of their index. */
  imageKeys: string[]
}

/** A job type. `input` has even sides and square pixels, whatever the file has. */
export interface JobType {
  name: string
  edit(params: unknown, input: Probe): Edit
  /** Filters that an ffmpeg may lack and that these params need; asked before anything is downloaded. */
  needs?(params: unknown): readonly string[]
}

/** The font of all text, in the directory above the job's. */
export const FONT_PATH = '../font.ttf'
