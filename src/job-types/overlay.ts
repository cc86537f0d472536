/** `overlay`: text and images on top of the video, each at its place and in its time. */
import * as v from 'valibot'
import { InputKey } from '../schemas/common.ts'
import { Colour, END_BEFORE_START, endsAfterStart, Fraction, Seconds } from './fields.ts'
import { jobType } from './job-type.ts'
import { withOutput } from './output.ts'

const MOST_ITEMS = 50
const MOST_CHARACTERS = 500

const Size = v.pipe(v.number(), v.minValue(0.01), v.maxValue(1))

/** The corner at the top left, as shares of the frame, and when it is seen. */
const place = {
  x: v.optional(Fraction, 0.05),
  y: v.optional(Fraction, 0.05),
  opacity: v.optional(Fraction, 1),
  start_seconds: v.optional(Seconds, 0),
  end_seconds: v.optional(Seconds),
}

const Text = v.strictObject({
  type: v.literal('text'),
  text: v.pipe(v.string(), v.minLength(1), v.maxLength(MOST_CHARACTERS)),
  size: v.optional(Size, 0.06),
  color: v.optional(Colour, '#ffffff'),
  background: v.optional(Colour),
  ...place,
})

const Image = v.strictObject({
  type: v.literal('image'),
  image_key: InputKey,
  width: v.optional(Size, 0.25),
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
  items: v.optional(v.pipe(v.array(Item), v.maxLength(MOST_ITEMS)), () => []),
  ...withOutput,
})

export const overlay = jobType({
  name: 'overlay',
  summary: 'Lays text and images over the video.',
  schema: Overlay,
  assets: ({ items }) => items.flatMap((item) => (item.type === 'image' ? [item.image_key] : [])),
})
