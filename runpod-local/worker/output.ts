/** The `output` settings common to all job types, and the ffmpeg arguments they mean. */
import * as v from 'valibot'

const side = v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(8192), v.multipleOf(2, 'must be even'))

const Output = v.looseObject({
  container: v.optional(v.picklist(['mp4', 'webm', 'mov']), 'mp4'),
  width: v.optional(side),
  height: v.optional(side),
  fps: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(120))),
  quality: v.optional(v.picklist(['low', 'medium', 'high']), 'medium'),
})

/** What every type's params may hold; a missing `output` is the same as an empty one. */
export const withOutput = { output: v.optional(Output, {}) }
export type OutputSettings = v.InferOutput<typeof Output>

export interface Size {
  width: number
  height: number
}

/** Constant rate factors; lower is better. The scales of the two encoders differ. */
const X264_CRF = { low: 28, medium: 23, high: 18 }
const VP9_CRF = { low: 40, medium: 33, high: 24 }
const AUDIO_KBITS = { low: 96, medium: 128, high: 192 }

/** Filters from a picture of `size` to the one asked for: scaled to fit, black bars where the aspect differs. */
export function outputFilters(size: Size, output: OutputSettings): string[] {
  const target = outputSize(size, output)
  const filters: string[] = []
  const scale = Math.min(target.width / size.width, target.height / size.height)
  const fit = { width: even(size.width * scale), height: even(size.height * scale) }
  if (fit.width !== size.width || fit.height !== size.height) filters.push(`scale=${fit.width}:${fit.height}`)
  if (fit.width !== target.width || fit.height !== target.height) {
    filters.push(`pad=${target.width}:${target.height}:(ow-iw)/2:(oh-ih)/2`)
  }
  if (output.fps !== undefined) filters.push(`fps=${output.fps}`)
  // Most players know nothing but 4:2:0.
  filters.push('setsar=1', 'format=yuv420p')
  return filters
}

/** The size of the output in pixels, both even. With one side given the other keeps the aspect. */
export function outputSize(size: Size, { width, height }: OutputSettings): Size {
  const aspect = size.width / size.height
  if (width !== undefined) return { width, height: height ?? even(width / aspect) }
  if (height !== undefined) return { width: even(height * aspect), height }
  return { width: even(size.width), height: even(size.height) }
}

/** Encoder and container arguments; both encoders are set to their fast end, this is a developer's computer. */
export function encoderArgs({ container, quality }: OutputSettings, hasAudio: boolean): string[] {
  const audio = ['-b:a', `${AUDIO_KBITS[quality]}k`, '-ac', '2']
  if (container === 'webm') {
    const video = ['-c:v', 'libvpx-vp9', '-crf', `${VP9_CRF[quality]}`, '-b:v', '0']
    const fast = ['-deadline', 'realtime', '-cpu-used', '8', '-row-mt', '1']
    return [...video, ...fast, ...(hasAudio ? ['-c:a', 'libopus', ...audio] : []), '-f', 'webm']
  }
  const video = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', `${X264_CRF[quality]}`]
  const sound = hasAudio ? ['-c:a', 'aac', ...audio] : []
  return [...video, ...sound, '-movflags', '+faststart', '-f', container]
}

/** The nearest even whole number, at least 2: 4:2:0 pictures have no odd sides. */
export function even(value: number): number {
  return Math.max(2, Math.round(value / 2) * 2)
}
