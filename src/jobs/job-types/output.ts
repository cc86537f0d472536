/** The `output` settings that all job types share, and how the result is stored. */
import * as v from 'valibot'
import { optionalFields } from '../../http/fields.ts'

const CONTENT_TYPES = { mp4: 'video/mp4', webm: 'video/webm', mov: 'video/quicktime' } as const

/** Encoders require even dimensions. */
function side(most: number) {
  return v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(most), v.multipleOf(2, 'This must be even.')),
  )
}

export const Output = optionalFields({
  container: v.optional(v.picklist(['mp4', 'webm', 'mov']), 'mp4'),
  width: side(7680),
  height: side(4320),
  fps: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(120))),
  quality: v.optional(v.picklist(['low', 'medium', 'high']), 'medium'),
})

/** The field that the params of every type have. */
export const withOutput = { output: v.optional(Output, {}) }

export interface StoredAs {
  extension: string
  contentType: string
}

export function storedAs(output: v.InferOutput<typeof Output>): StoredAs {
  return { extension: output.container, contentType: CONTENT_TYPES[output.container] }
}
