/** Predicts the format of a result, with the computation of the workers (`runpod-local/worker/output.ts`). Pure. */
import type { JsonObject } from '../../../client/index.ts'
import { isObject } from '../form/schema.ts'
import { clock } from '../format.ts'
import { cropArea, type FrameSize, numberOf } from '../preview/geometry.ts'

export interface Frame extends FrameSize {
  /** Infinity when the file does not contain it. */
  durationSeconds: number
}

/** `1080 × 1920 · 0:04.0 · MP4`. */
export function outcomeOf(type: string, params: JsonObject, frame: Frame): string {
  const output = isObject(params.output) ? params.output : {}
  const { width, height } = sizeOf(type === 'crop' ? cropped(params, frame) : frame, output)
  const end = Math.min(numberOf(params, 'end_seconds', frame.durationSeconds), frame.durationSeconds)
  const seconds = type === 'trim' ? end - numberOf(params, 'start_seconds', 0) : frame.durationSeconds
  const container = typeof output.container === 'string' ? output.container : 'mp4'
  const length = Number.isFinite(seconds) ? [clock(seconds)] : []
  return [`${width} × ${height}`, ...length, container.toUpperCase()].join(' · ')
}

function cropped(params: JsonObject, frame: FrameSize): FrameSize {
  const area = cropArea(params, frame.width / frame.height)
  const below = (value: number) => Math.max(2, Math.floor(value / 2 + 0.001) * 2)
  return { width: below(area.width * frame.width), height: below(area.height * frame.height) }
}

/** When one dimension is given, the other keeps the aspect ratio; both are even. */
function sizeOf({ width, height }: FrameSize, output: JsonObject): FrameSize {
  const even = (value: number) => Math.max(2, Math.round(value / 2) * 2)
  const wide = numberOf(output, 'width', 0)
  const high = numberOf(output, 'height', 0)
  if (wide) return { width: wide, height: high || even((wide * height) / width) }
  if (high) return { width: even((high * width) / height), height: high }
  return { width: even(width), height: even(height) }
}
