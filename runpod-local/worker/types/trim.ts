/** `trim`: a span of the video, from `start_seconds` to `end_seconds`. */
import * as v from 'valibot'
import type { JobType } from '../edit.ts'
import { invalidMedia, invalidParams } from '../failure.ts'
import { parse } from '../input.ts'
import { micros, withOutput } from '../output.ts'

const seconds = v.pipe(v.number(), v.minValue(0))
const Params = v.looseObject({
  start_seconds: v.optional(seconds, 0),
  end_seconds: v.nullish(seconds),
  ...withOutput,
})

/** Players round the displayed duration, so an end this far after the last frame is taken as the end; seconds. */
const SLACK = 0.5

export const trim: JobType = {
  name: 'trim',
  edit(params, { width, height, duration, picture }) {
    const {
      start_seconds: start,
      end_seconds,
      output,
    } = parse(Params, params, 'The trim params are unusable')
    const end = end_seconds ?? duration
    if (end_seconds != null && end <= start) {
      throw invalidParams(`The trim must end after it starts: it goes from ${start} s to ${end} s.`)
    }
    const long = `the video is ${duration.toFixed(2)} s long`
    if (start >= duration) throw invalidMedia(`The trim starts at ${start} s, but ${long}.`)
    if (end > duration + SLACK) throw invalidMedia(`The trim ends at ${end} s, but ${long}.`)
    const last = Math.min(end, duration)
    const [from = 0] = picture.times
    if (from >= last || picture.end <= start) {
      const shown = `its picture goes from ${from.toFixed(2)} s to ${picture.end.toFixed(2)} s`
      throw invalidMedia(`The trim from ${start} s to ${last.toFixed(2)} s holds no picture; ${shown}.`)
    }
    return {
      output,
      steps: [],
      inRgb: false,
      size: { width, height },
      start: micros(start),
      duration: Math.max(1e-6, micros(last - start)),
      texts: [],
      fontSets: [],
      imageKeys: [],
    }
  },
}
