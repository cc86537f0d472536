/** `crop`: a part of the picture, as fractions of it, or as an aspect ratio around a point to keep. */
import * as v from 'valibot'
import type { CropParams } from '../../../wire/requests.ts'
import { accepting } from '../../http/describing.ts'
import { Fraction } from './fields.ts'
import { jobType } from './job-type.ts'
import { withOutput } from './output.ts'

/** Slightly more than 1, for rounding errors of clients that divide by the frame's size. */
const EDGE = 1.001

const Side = v.pipe(v.number(), v.gtValue(0), v.maxValue(1))

const Area = v.pipe(
  v.strictObject({ x: Fraction, y: Fraction, width: Side, height: Side, ...withOutput }),
  v.title('Rectangle'),
  v.forward(
    v.check(
      ({ x, width }) => x + width <= EDGE,
      'The crop reaches over the right edge: x + width is above 1.',
    ),
    ['width'],
  ),
  v.forward(
    v.check(
      ({ y, height }) => y + height <= EDGE,
      'The crop reaches over the lower edge: y + height is above 1.',
    ),
    ['height'],
  ),
)

const Reframe = v.pipe(
  v.strictObject({
    aspect_ratio: v.pipe(
      v.string(),
      v.regex(
        /^[1-9]\d{0,4}(?:\.\d{1,4})?:[1-9]\d{0,4}(?:\.\d{1,4})?$/,
        'This must be an aspect ratio like 9:16.',
      ),
    ),
    focus_x: v.optional(Fraction, 0.5),
    focus_y: v.optional(Fraction, 0.5),
    ...withOutput,
  }),
  v.title('Aspect ratio'),
)

export const crop = jobType({
  name: 'crop',
  summary: 'Keeps a part of the picture, or reframes it to an aspect ratio.',
  schema: accepting<CropParams>()(v.union([Area, Reframe])),
  shapeOf: (params) => (Object.hasOwn(params, 'aspect_ratio') ? Reframe : Area),
})
