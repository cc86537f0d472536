/** Positions in a frame, as fractions of it. Pure. */
import type { JsonObject } from '../../../client/index.ts'

/** Size of the video itself, in pixels. */
export interface FrameSize {
  width: number
  height: number
}

export interface Area {
  x: number
  y: number
  width: number
  height: number
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most))
}

/** Fractions are sent with three digits: a tenth of a percent is finer than visible. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

export function numberOf(params: JsonObject, name: string, standard: number): number {
  const value = params[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : standard
}

/** The area of a crop in either of its variants; `ratio` is the frame's width divided by its height. */
export function cropArea(params: JsonObject, ratio: number): Area {
  if (typeof params.aspect_ratio !== 'string') {
    const x = clamp(numberOf(params, 'x', 0), 0, 1)
    const y = clamp(numberOf(params, 'y', 0), 0, 1)
    return {
      x,
      y,
      width: clamp(numberOf(params, 'width', 1), 0, 1 - x),
      height: clamp(numberOf(params, 'height', 1), 0, 1 - y),
    }
  }
  const [across = 0, down = 0] = params.aspect_ratio.split(':').map(Number)
  if (!(across > 0 && down > 0)) return { x: 0, y: 0, width: 1, height: 1 }
  const wanted = across / down
  const width = Math.min(1, wanted / ratio)
  const height = Math.min(1, ratio / wanted)
  return {
    x: clamp(numberOf(params, 'focus_x', 0.5) - width / 2, 0, 1 - width),
    y: clamp(numberOf(params, 'focus_y', 0.5) - height / 2, 0, 1 - height),
    width,
    height,
  }
}

/** The params of a crop whose area was moved to `x`, `y`. */
export function cropMoved(params: JsonObject, area: Area, x: number, y: number): JsonObject {
  const left = clamp(x, 0, 1 - area.width)
  const top = clamp(y, 0, 1 - area.height)
  if (typeof params.aspect_ratio !== 'string') return { ...params, x: rounded(left), y: rounded(top) }
  return {
    ...params,
    focus_x: rounded(left + area.width / 2),
    focus_y: rounded(top + area.height / 2),
  }
}

/** Whether an item is visible at `seconds`: from its start, and before its end. */
export function isSeen(item: JsonObject, seconds: number): boolean {
  return (
    seconds >= numberOf(item, 'start_seconds', 0) &&
    seconds < numberOf(item, 'end_seconds', Number.POSITIVE_INFINITY)
  )
}
