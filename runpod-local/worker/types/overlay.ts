/** `overlay`: text and images on top of the video, each at its place and in its time. */
import * as v from 'valibot'
import { EXACT } from '../colour.ts'
import { FONT_PATH, type JobType, type Step } from '../edit.ts'
import { invalidParams } from '../failure.ts'
import { parse } from '../input.ts'
import { even, type Size, withOutput } from '../output.ts'

const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
const positive = v.pipe(v.number(), v.gtValue(0), v.maxValue(1))
const colour = v.pipe(v.string(), v.hexColor(), v.regex(/^#[0-9a-f]{6}$/i, 'must look like #rrggbb'))
const place = {
  x: v.optional(fraction, 0.05),
  y: v.optional(fraction, 0.05),
  opacity: v.optional(fraction, 1),
  start_seconds: v.optional(v.pipe(v.number(), v.minValue(0)), 0),
  end_seconds: v.nullish(v.pipe(v.number(), v.minValue(0))),
}
const Text = v.looseObject({
  type: v.literal('text'),
  text: v.string(),
  size: v.optional(positive, 0.06),
  color: v.optional(colour, '#ffffff'),
  background: v.nullish(colour),
  ...place,
})
const Image = v.looseObject({
  type: v.literal('image'),
  image_key: v.string(),
  width: v.optional(positive, 0.25),
  ...place,
})
const Params = v.looseObject({
  items: v.optional(v.array(v.variant('type', [Text, Image])), []),
  ...withOutput,
})

type Text = v.InferOutput<typeof Text>
type Image = v.InferOutput<typeof Image>

const UNUSABLE = 'The overlay params are unusable'

export const overlay: JobType = {
  name: 'overlay',
  needs(params) {
    const { items } = parse(Params, params, UNUSABLE)
    return items.some(({ type }) => type === 'text') ? ['drawtext'] : []
  },
  edit(params, { width, height, duration }) {
    const { items, output } = parse(Params, params, UNUSABLE)
    const size = { width, height }
    const texts: { name: string; text: string }[] = []
    const imageKeys: string[] = []
    const steps: Step[] = []
    for (const item of items) {
      if (item.type === 'image') {
        // Each use is an input of its own, since a filter's input can be taken only once.
        steps.push(imageStep(item, imageKeys.push(item.image_key) - 1, size))
      } else if (printable(item.text).trim() !== '') {
        const name = `text-${texts.length}.txt`
        texts.push({ name, text: printable(item.text) })
        steps.push({ filter: textFilter(item, name, size) })
      }
    }
    return { output, steps, inRgb: steps.length > 0, size, start: 0, duration, texts, imageKeys }
  },
}

/** `expansion=none` takes the file literally: no `%{…}`, no backslash, nothing is read as a filter. */
function textFilter(item: Text, file: string, frame: Size): string {
  const fontSize = Math.max(1, Math.round(item.size * frame.height))
  const border = item.background == null ? 0 : Math.round(fontSize / 4)
  const box =
    item.background == null
      ? []
      : ['box=1', `boxcolor=${rgba(item.background, item.opacity)}`, `boxborderw=${border}`]
  return `drawtext=${[
    `fontfile=${FONT_PATH}`,
    `textfile=${file}`,
    'expansion=none',
    `fontsize=${fontSize}`,
    `fontcolor=${rgba(item.color, item.opacity)}`,
    ...box,
    // The background grows outwards from the text; its corner is what stands at x, y.
    `x=${Math.round(item.x * frame.width) + border}`,
    `y=${Math.round(item.y * frame.height) + border}`,
    enabled(item),
  ].join(':')}`
}

function imageStep(item: Image, image: number, frame: Size): Step {
  const x = Math.round(item.x * frame.width)
  const y = Math.round(item.y * frame.height)
  const prepare = [`scale=${even(item.width * frame.width)}:-2:${EXACT}:in_color_matrix=bt601`, 'format=rgba']
  if (item.opacity < 1) prepare.push(`colorchannelmixer=aa=${item.opacity}`)
  // The one frame of the image is repeated to the end of the video.
  return { image, prepare, place: `overlay=x=${x}:y=${y}:format=rgb:eof_action=repeat:${enabled(item)}` }
}

/** From `start_seconds` on, and up to but not at `end_seconds`, so that items can follow each other. */
function enabled({ start_seconds: start, end_seconds: end }: Text | Image): string {
  if (end == null) return `enable='gte(t,${start})'`
  if (end <= start)
    throw invalidParams(`An item must end after it starts: it goes from ${start} s to ${end} s.`)
  return `enable='gte(t,${start})*lt(t,${end})'`
}

function rgba(colour: string, opacity: number): string {
  return `0x${colour.slice(1)}@${opacity}`
}

/** Line ends as the font knows them; other control characters would be drawn as boxes, or end the text. */
function printable(text: string): string {
  return [...text.replace(/\r\n?/g, '\n').replaceAll('\t', '    ')]
    .filter((char) => char === '\n' || (char >= ' ' && char !== '\u007f'))
    .join('')
}
