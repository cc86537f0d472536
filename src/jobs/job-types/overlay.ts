/** `overlay`: text and images on top of the video, each with its position and time span. */
import * as v from 'valibot'
import type { OverlayParams } from '../../../wire/requests.ts'
import { InputKey } from '../../files/object-keys.ts'
import { accepting } from '../../http/describing.ts'
import { Colour, END_BEFORE_START, endsAfterStart, Fraction, Seconds } from './fields.ts'
import { jobType } from './job-type.ts'
import { withOutput } from './output.ts'

const MAX_ITEMS = 50
const MAX_CHARACTERS = 500

const Size = v.pipe(v.number(), v.minValue(0.01), v.maxValue(1))

/** The upper edge as a fraction of the frame, and when the item is visible. */
const place = {
  y: v.optional(Fraction, 0.05),
  opacity: v.optional(Fraction, 1),
  start_seconds: v.optional(Seconds, 0),
  end_seconds: v.optional(Seconds),
}

const Text = v.strictObject({
  type: v.literal('text'),
  text: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_CHARACTERS)),
  size: v.optional(Size, 0.06),
  color: v.optional(Colour, '#ffffff'),
  background: v.optional(Colour),
  align: v.pipe(
    v.optional(v.picklist(['left', 'center', 'right']), 'left'),
    v.description('Which edge of the text `x` places, and what its lines have in common.'),
  ),
  x: v.pipe(
    v.optional(Fraction),
    v.description('A share of the frame’s width; by default 0.05, 0.5 or 0.95, as `align` says.'),
  ),
  max_width: v.pipe(
    v.optional(Size, 1),
    v.description(
      'Lines wrap at this share of the frame’s width, the background included; at the frame’s edge at the latest.',
    ),
  ),
  ...place,
})

const Image = v.strictObject({
  type: v.literal('image'),
  image_key: InputKey,
  width: v.optional(Size, 0.25),
  x: v.optional(Fraction, 0.05),
  ...place,
})

const Item = v.pipe(
  v.variant('type', [Text, Image]),
  v.forward(
    v.check((item) => endsAfterStart(item), END_BEFORE_START),
    ['end_seconds'],
  ),
)

const Overlay = v.strictObject({
  items: v.optional(v.pipe(v.array(Item), v.maxLength(MAX_ITEMS)), () => []),
  ...withOutput,
})

export const overlay = jobType({
  name: 'overlay',
  summary: 'Lays text and images over the video.',
  schema: accepting<OverlayParams>()(Overlay),
  assets: ({ items }) => items.flatMap((item) => (item.type === 'image' ? [item.image_key] : [])),
})
