/** `crop`: a part of the picture, as fractions of it, or as an aspect ratio around a point to keep. */
import * as v from 'valibot'
import type { JobType } from '../edit.ts'
import { invalidParams } from '../failure.ts'
import { parse } from '../input.ts'
import { type Size, withOutput } from '../output.ts'

const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
const Params = v.looseObject({
  x: v.nullish(fraction),
  y: v.nullish(fraction),
  width: v.nullish(fraction),
  height: v.nullish(fraction),
  aspect_ratio: v.nullish(v.pipe(v.string(), v.regex(/^\d+(\.\d+)?:\d+(\.\d+)?$/, 'must look like 9:16'))),
  focus_x: v.nullish(fraction, 0.5),
  focus_y: v.nullish(fraction, 0.5),
  ...withOutput,
})

interface Area extends Size {
  x: number
  y: number
}

export const crop: JobType = {
  name: 'crop',
  edit(params, input) {
    const wanted = parse(Params, params, 'The crop params are unusable')
    const area = areaOf(wanted, input)
    const { width, height, x, y } = area
    return {
      output: wanted.output,
      steps: [{ filter: `crop=${width}:${height}:${x}:${y}` }],
      inRgb: false,
      size: { width, height },
      start: 0,
      duration: input.duration,
      texts: [],
      fontSets: [],
      imageKeys: [],
    }
  },
}

function areaOf(wanted: v.InferOutput<typeof Params>, frame: Size): Area {
  if (wanted.aspect_ratio != null) {
    const [across = 0, down = 0] = wanted.aspect_ratio.split(':').map(Number)
    const ratio = across / down
    if (!(ratio > 0) || !Number.isFinite(ratio)) throw invalidParams('The aspect ratio must not hold a zero.')
    const wide = frame.width / frame.height > ratio
    const width = wide ? evenBelow(frame.height * ratio) : frame.width
    const height = wide ? frame.height : evenBelow(frame.width / ratio)
    const x = wanted.focus_x * frame.width - width / 2
    const y = wanted.focus_y * frame.height - height / 2
    return inside({ x, y, width, height }, frame)
  }
  const { x, y, width, height } = wanted
  if (x == null || y == null || width == null || height == null) {
    throw invalidParams('A crop needs x, y, width and height, or an aspect_ratio.')
  }
  if (width === 0 || height === 0)
    throw invalidParams('The crop is empty: its width and height must be above 0.')
  // Slightly more than 1, for rounding errors of clients that divide by the frame's size.
  if (x + width > 1.001 || y + height > 1.001) throw invalidParams('The crop reaches outside the picture.')
  const area = { width: evenBelow(width * frame.width), height: evenBelow(height * frame.height) }
  return inside({ x: x * frame.width, y: y * frame.height, ...area }, frame)
}

/** Moves the area into the frame, to integer and even positions: chroma has half the resolution. */
function inside({ x, y, width, height }: Area, frame: Size): Area {
  const clamp = (at: number, most: number) => Math.floor(Math.max(0, Math.min(at, most)) / 2) * 2
  return { x: clamp(x, frame.width - width), y: clamp(y, frame.height - height), width, height }
}

function evenBelow(value: number): number {
  return Math.max(2, Math.floor(value / 2 + 0.001) * 2)
}
