/** Schemas of fields that the params of several types contain. */
import * as v from 'valibot'

/** A fraction of the frame's width or height. */
export const Fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1))

/** A week: longer than any video here, and far below where seconds lose precision. */
const MAX_SECONDS = 7 * 24 * 3600

export const Seconds = v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_SECONDS))

export const Colour = v.pipe(v.string(), v.regex(/^#[0-9a-fA-F]{6}$/, 'This must be a colour like #ff8800.'))

/** For a `check` on a span: its duration is positive. */
export function endsAfterStart(span: { start_seconds: number; end_seconds?: number | undefined }): boolean {
  return span.end_seconds === undefined || span.end_seconds > span.start_seconds
}

export const END_BEFORE_START = 'This must be later than start_seconds.'
