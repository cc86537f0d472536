/** The `output` settings common to all job types, and their ffmpeg arguments. */
import * as v from 'valibot'
import { EXACT } from './colour.ts'
import type { Sound } from './media.ts'

const side = v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(8192), v.multipleOf(2, 'must be even'))

const Output = v.looseObject({
  container: v.optional(v.picklist(['mp4', 'webm', 'mov']), 'mp4'),
  width: v.optional(side),
  height: v.optional(side),
  fps: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(120))),
  quality: v.optional(v.picklist(['low', 'medium', 'high']), 'medium'),
})

/** Params of every type; a missing `output` equals an empty one. */
export const withOutput = { output: v.optional(Output, {}) }
export type OutputSettings = v.InferOutput<typeof Output>

export interface Size {
  width: number
  height: number
}

/** Constant rate factors; lower is better. The two encoders have different scales. */
const X264_CRF = { low: 28, medium: 23, high: 18 }
const VP9_CRF = { low: 40, medium: 33, high: 24 }
const AUDIO_KBITS = { low: 96, medium: 128, high: 192 }

/**
 * Filters from a picture of `size` and `seconds` to the requested one: scaled to fit, with black bars where the aspect
 * differs. `scale` produces `size`, `after` the final size and rate.
 */
export function fitted(
  size: Size,
  output: OutputSettings,
  seconds: number,
): { size: Size; scale: string[]; after: string[] } {
  const target = outputSize(size, output)
  const ratio = Math.min(target.width / size.width, target.height / size.height)
  const fit = { width: even(size.width * ratio), height: even(size.height * ratio) }
  const isScaled = fit.width !== size.width || fit.height !== size.height
  const isPadded = fit.width !== target.width || fit.height !== target.height
  const pad = isPadded ? [`pad=${target.width}:${target.height}:(ow-iw)/2:(oh-ih)/2`] : []
  // A picture of less than half a frame would have none.
  const least = seconds * (output.fps ?? 0) < 1 ? ':eof_action=pass' : ''
  const rate = output.fps === undefined ? [] : [`fps=${output.fps}${least}`]
  return {
    size: fit,
    scale: isScaled ? [`scale=${fit.width}:${fit.height}:${EXACT}`] : [],
    after: [...pad, ...rate, 'setsar=1'],
  }
}

/** The size of the output in pixels, both even. When one dimension is given, the other keeps the aspect ratio. */
export function outputSize(size: Size, { width, height }: OutputSettings): Size {
  const aspect = size.width / size.height
  if (width !== undefined) return { width, height: height ?? even(width / aspect) }
  if (height !== undefined) return { width: even(height * aspect), height }
  return { width: even(size.width), height: even(size.height) }
}

/**
 * The video encoder with fast settings, since it runs on a developer's computer. `ownRate` is the mean frame rate for
 * variable frame times, else null. For these B-frames are disabled: older versions compute the length of a reordered
 * track wrongly and cut its end off. The H.264 level would follow from the time base, and exceed what players decode.
 */
export function encoderArgs({ container, quality }: OutputSettings, ownRate: number | null): string[] {
  if (container === 'webm') {
    const fast = ['-deadline', 'realtime', '-cpu-used', '8', '-row-mt', '1']
    return ['-c:v', 'libvpx-vp9', '-crf', `${VP9_CRF[quality]}`, '-b:v', '0', ...fast]
  }
  const inOrder = ownRate === null ? [] : ['-bf', '0', '-x264-params', `fps=${ownRate}`]
  return ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', `${X264_CRF[quality]}`, ...inOrder]
}

/**
 * The audio encoder. More than eight channels have no layout that could be mixed: all of them are sent to both sides.
 */
export function soundArgs({ container, quality }: OutputSettings, { channels }: Sound): string[] {
  const all = Array.from({ length: channels }, (_, index) => `c${index}`).join('+')
  const mixed = channels > 8 ? ['-af', `pan=stereo|c0<${all}|c1<${all}`] : []
  const codec = container === 'webm' ? 'libopus' : 'aac'
  return [...mixed, '-c:a', codec, '-b:a', `${AUDIO_KBITS[quality]}k`, '-ac', '2']
}

/** The nearest even integer, at least 2: 4:2:0 pictures have even dimensions. */
export function even(value: number): number {
  return Math.max(2, Math.round(value / 2) * 2)
}

/** Rounded to microseconds, ffmpeg's resolution; it parses no exponents. */
export function micros(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6
}
