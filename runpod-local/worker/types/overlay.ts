/** `overlay`: text and images on top of the video, each with its position and time span. */
import * as v from 'valibot'
import { EXACT } from '../colour.ts'
import type { JobType, Step } from '../edit.ts'
import { invalidParams } from '../failure.ts'
import { parse } from '../input.ts'
import { even, type Size, withOutput } from '../output.ts'
import { drawn } from '../text/draw.ts'
import { layOut } from '../text/layout.ts'
import { refuseUndrawable } from '../text/refusal.ts'
import { fontsDir, type TextFile } from '../text/typesetter.ts'

const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
const positive = v.pipe(v.number(), v.gtValue(0), v.maxValue(1))
const colour = v.pipe(v.string(), v.hexColor(), v.regex(/^#[0-9a-f]{6}$/i, 'must look like #rrggbb'))
const place = {
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
  align: v.optional(v.picklist(['left', 'center', 'right']), 'left'),
  x: v.nullish(fraction),
  max_width: v.nullish(positive),
  ...place,
})
const Image = v.looseObject({
  type: v.literal('image'),
  image_key: v.string(),
  width: v.optional(positive, 0.25),
  x: v.optional(fraction, 0.05),
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
  needs(params, typesetter) {
    const { items } = parse(Params, params, UNUSABLE)
    const texts = items.filter((item) => item.type === 'text')
    for (const { text } of texts) refuseUndrawable(printable(text), typesetter)
    const drawing = texts.length === 0 ? [] : [typesetter.shaper === 'none' ? 'drawtext' : 'ass']
    return texts.length === items.length ? drawing : [...drawing, 'movie']
  },
  edit(params, { width, height, duration }, typesetter) {
    const { items, output } = parse(Params, params, UNUSABLE)
    const size = { width, height }
    const texts: TextFile[] = []
    const imageKeys: string[] = []
    const fontSets = new Map<string, number[]>()
    const steps: Step[] = []
    const changes: number[] = []
    items.forEach((item, number) => {
      const enabled = enabledFor(item)
      if (item.type === 'image') {
        // Each use is a separate input, since a filter's input can be consumed only once.
        steps.push(imageStep(item, imageKeys.push(item.image_key) - 1, size, enabled))
        changes.push(item.start_seconds, item.end_seconds ?? 0)
        return
      }
      const text = printable(item.text)
      if (text.trim() === '') return
      const block = layOut({ ...item, text }, size, typesetter.fonts)
      const layer = drawn(block, item, size, number, typesetter)
      texts.push(...layer.files)
      if (layer.fonts.length > 0) fontSets.set(fontsDir(layer.fonts), layer.fonts)
      changes.push(item.start_seconds, item.end_seconds ?? 0)
      steps.push({ drawn: [...layer.filters, ...faded(item)], place: overlayAt(0, layer.y, enabled) })
    })
    const inRgb = steps.length > 0
    const files = { texts, fontSets: [...fontSets.values()], imageKeys }
    return { output, steps, inRgb, size, start: 0, duration, changes, ...files }
  },
}

function imageStep(item: Image, image: number, frame: Size, enabled: string): Step {
  const width = even(item.width * frame.width)
  // An image may be so wide that its height would be rounded to 0.
  const scale = `scale=${width}:'max(2,2*round(${width}*ih/iw/2))':${EXACT}:in_color_matrix=bt601`
  const at = overlayAt(Math.round(item.x * frame.width), Math.round(item.y * frame.height), enabled)
  return { image, prepare: [scale, 'format=rgba', ...faded(item)], place: at }
}

function faded({ opacity }: Text | Image): string[] {
  return opacity < 1 ? [`colorchannelmixer=aa=${opacity}`] : []
}

/** The single frame of an overlay is repeated to the end of the video. */
function overlayAt(x: number, y: number, enabled: string): string {
  return `overlay=x=${x}:y=${y}:format=rgb:eof_action=repeat:${enabled}`
}

/** From `start_seconds`, and before `end_seconds`, so that items can follow each other. */
function enabledFor({ start_seconds: start, end_seconds: end }: Text | Image): string {
  if (end == null) return `enable='gte(t,${start})'`
  if (end <= start)
    throw invalidParams(`An item must end after it starts: it goes from ${start} s to ${end} s.`)
  return `enable='gte(t,${start})*lt(t,${end})'`
}

/** Removes control characters; an unpaired surrogate becomes U+FFFD. */
function printable(text: string): string {
  return [
    ...text
      .toWellFormed()
      .replace(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
      .replaceAll('\t', '    '),
  ]
    .filter((char) => char === '\n' || (char >= ' ' && !(char >= '\u007f' && char <= '\u009f')))
    .join('')
}
