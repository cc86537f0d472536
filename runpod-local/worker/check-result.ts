/** Compares a result with its plan, by its streams, since the container's duration proves nothing. */
import { invalidMedia, JobFailure } from './failure.ts'
import type { Probe } from './media.ts'
import type { Plan } from './plan.ts'

/** The time span of a stream; seconds. */
interface Span {
  start: number
  end: number
}

/**
 * Throws `invalid_media`, for a damaged input, when picture or sound is shorter than in the input, has a gap, or is out
 * of sync. Throws `worker_error` when the result has other properties than planned.
 */
export function checkResult(input: Probe, plan: Plan, result: Probe): void {
  const wanted = plan.times
  const cut = (span: Span) => clip(span, plan)
  const rate = plan.output.fps
  const slack = Math.max(0.5, plan.duration * 0.02) + (rate === undefined ? 0 : 1 / rate)
  const picture = cut({ start: wanted[0] ?? plan.start, end: input.picture.end })
  const made = { start: result.picture.times[0] ?? 0, end: result.picture.end }
  // The duration of the last frame is not always preserved.
  const lacking = plan.hold.length > 0 ? 0 : picture.end - (wanted.at(-1) ?? picture.end)
  compare('picture', made, picture, slack, lacking)
  if (gap(result.picture.times) > gap([...wanted, picture.end]) + slack)
    throw damaged(`The result's picture stands still for ${gap(result.picture.times).toFixed(2)} s`)
  const expected = rate === undefined ? wanted.length : Math.round((picture.end - picture.start) * rate)
  const frames = result.picture.times.length
  if (frames === 1 && expected > 1) throw damaged('The result has a single frame')
  const sound = plan.sound && cut(plan.sound)
  if (sound === null && result.sound !== null) throw unplanned('has sound that was not planned')
  // Less than a few packets of sound may encode to none.
  if (sound !== null && result.sound === null && sound.end - sound.start > 0.1)
    throw unplanned('has no sound')
  if (sound !== null && result.sound !== null) {
    compare('sound', result.sound, sound, slack)
    const apart = made.start - result.sound.start - (picture.start - sound.start)
    if (Math.abs(apart) > 0.25 + (rate === undefined ? 0 : 1 / rate))
      throw damaged(`The result's sound and picture are ${Math.abs(apart).toFixed(2)} s apart`)
  }
  if (frames > expected * 1.1 + 2) throw unplanned(`has ${frames} frames instead of ${expected}`)
  const { width, height } = plan.target
  if (result.picture.turn !== 'none') throw unplanned('is not upright')
  if (result.width !== width || result.height !== height)
    throw unplanned(`is ${result.width}x${result.height} instead of ${width}x${height}`)
  const { transfer, matrix, range } = result.picture
  if (transfer !== 'bt709' || matrix !== 'bt709' || range !== 'tv')
    throw unplanned(`has the colours ${transfer}, ${matrix}, ${range}`)
}

function clip(span: Span, { start, duration }: Plan): Span {
  return { start: Math.max(span.start, start), end: Math.min(span.end, start + duration) }
}

/** `lacking` is an additional tolerance for the end. */
function compare(what: string, made: Span, wanted: Span, slack: number, lacking = 0): void {
  const [got, expected] = [made.end - made.start, wanted.end - wanted.start]
  if (got > expected + slack || got < expected - slack - lacking)
    throw damaged(`The result's ${what} is ${got.toFixed(2)} s long instead of ${expected.toFixed(2)} s`)
}

/** The longest time between two frames. */
function gap(times: readonly number[]): number {
  return times.reduce((most, at, index) => Math.max(most, at - (times[index - 1] ?? at)), 0)
}

function damaged(what: string): JobFailure {
  return invalidMedia(`${what}; the input seems to be damaged.`)
}

/** Not retryable: a repeat would have the same result. */
function unplanned(what: string): JobFailure {
  return new JobFailure(
    'worker_error',
    `The worker made a wrong file, which was not stored: it ${what}.`,
    false,
  )
}
