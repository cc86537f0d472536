/**
 * Translates a job to ffmpeg's arguments, without running anything. A job type describes its changes to the picture as
 * an `Edit`; this file assembles the command. ffmpeg runs inside the job's own directory and every file in it has a
 * fixed name, so no text or path of a user is ever parsed as part of a filter.
 */
import { encodable, isWide, normalised, TAG_ARGS } from './colour.ts'
import type { Edit, JobType, Step } from './edit.ts'
import { invalidParams, JobFailure } from './failure.ts'
import type { Picture, Probe, Sound } from './media.ts'
import { type Turn, turnFilters } from './orientation.ts'
import { encoderArgs, even, fitted, micros, outputSize, type Size, soundArgs } from './output.ts'
import type { Typesetter } from './text/typesetter.ts'
import { crop } from './types/crop.ts'
import { overlay } from './types/overlay.ts'
import { transcode } from './types/transcode.ts'
import { trim } from './types/trim.ts'

const types: readonly JobType[] = [overlay, trim, crop, transcode]

/** Properties of a downloaded image. */
export interface ImageFacts {
  demuxer: string
  turn: Turn
}

export interface Plan extends Edit {
  /** ffmpeg's arguments for these images, in their order, and for the options of this ffmpeg. */
  args(images: readonly ImageFacts[], dialect: { fpsMode: boolean }): string[]
  outputName: string
  /** The size of the result. */
  target: Size
  /** The sound of the result; null when there is none in the selected span. */
  sound: Sound | null
  /** Filters that repeat the last frame at its end, so that it keeps its duration. */
  hold: readonly string[]
  /** When each frame of the result is shown; seconds of the input. */
  times: readonly number[]
}

export const INPUT_NAME = 'input'
/** The file name of the image with this index, in the job's directory. */
export const imageName = (index: number): string => `image-${index}`

/** The maximum of H.264's levels (ITU-T H.264, table A-1). */
const MAX_SIDES = { long: 8192, short: 4320 }

/** How far before the start to seek in a container without an exact index, seconds: more than a group of pictures. */
const COARSE = 30

/** Encoders do not store frame durations, so the last one's is lost. Up to this it is negligible; seconds. */
const UNTOLD = 0.25

/** Tolerance for rounded timestamps, so that a frame is not skipped; seconds. */
const EARLY = 0.001

/** The least time between two frames, so that none is dropped where times are rounded; milliseconds. */
const APART = 10

/** One frame for each frame of two fields, at its time; others pass unchanged. */
const DEINTERLACE = 'bwdif=mode=send_frame:deint=interlaced'

/** The job type; throws a failure that lists the known ones. */
function typeNamed(type: string): JobType {
  const jobType = types.find(({ name }) => name === type)
  if (jobType !== undefined) return jobType
  const known = types.map(({ name }) => name).join(', ')
  throw invalidParams(`This worker does not know the type "${type}"; it knows ${known}.`)
}

/** Throws before anything is downloaded when the params are invalid, or need a filter in `missing`. */
export function refuseEarly(
  type: string,
  params: unknown,
  missing: readonly string[],
  typesetter: Typesetter,
): void {
  refuseMissing(typeNamed(type).needs?.(params, typesetter) ?? [], missing)
}

function refuseMissing(needed: readonly string[], missing: readonly string[]): void {
  const lacking = needed.filter((name) => missing.includes(name))
  if (lacking.length === 0) return
  const message = `This worker's ffmpeg lacks what the job needs: ${lacking.join(', ')}.`
  throw new JobFailure('worker_error', message, false)
}

/** Throws when the picture or the sound needs a filter in `missing`. */
export function refuseMedia({ picture, sound }: Probe, missing: readonly string[]): void {
  const wide = isWide(picture) ? ['zscale', 'tonemap'] : []
  const alpha = picture.alpha ? ['premultiply'] : []
  const fields = picture.interlaced ? ['bwdif'] : []
  const sides = sound?.right === undefined ? [] : ['join']
  refuseMissing([...wide, ...alpha, ...fields, ...sides], missing)
}

/** Plans the job. Throws `invalid_params` or `invalid_media` with a sentence about the cause. */
export function planJob(type: string, params: unknown, probe: Probe, typesetter: Typesetter): Plan {
  const size = { width: even(probe.width), height: even(probe.height) }
  const edit = typeNamed(type).edit(params, { ...probe, ...size }, typesetter)
  const target = outputSize(edit.size, edit.output)
  const [long, short] = [Math.max(target.width, target.height), Math.min(target.width, target.height)]
  if (long > MAX_SIDES.long || short > MAX_SIDES.short) {
    const most = `${MAX_SIDES.long}x${MAX_SIDES.short}`
    throw invalidParams(
      `The result would be ${target.width}x${target.height}, but ${most} is the most; set output.width or output.height.`,
    )
  }
  const sound = kept(probe.sound, edit)
  const outputName = `output.${edit.output.container}`
  const still = stillAt(probe.picture, edit)
  const args: Plan['args'] = (images, { fpsMode }) => [
    ...['-hide_banner', '-nostdin', '-v', 'error', '-y', '-nostats', '-progress', 'pipe:1'],
    ...(probe.lead > 0 ? ['-itsoffset', String(-probe.lead)] : []),
    ...(coarse > 0 ? ['-ss', String(coarse)] : []),
    ...decoderArgs(probe.picture),
    ...source(probe.demuxer, INPUT_NAME),
    ...[
      '-filter_complex',
      [graph(edit, probe, size, images, { entry, hold, ticks }), ...joined(sound)].join(';'),
    ],
    ...['-map', '[out]', ...(sound === null ? [] : ['-map', inputOf(sound)])],
    ...(edit.start > coarse ? ['-ss', String(micros(edit.start - coarse))] : []),
    ...(isPart ? ['-t', String(edit.duration)] : []),
    // Removes the place of recording for privacy, and chapters, which may outlast the result; rotation is already
    // applied.
    ...['-map_metadata', '-1', '-map_chapters', '-1'],
    // Keeps each frame's time: none is repeated, moved or dropped to fit a constant rate.
    ...[fpsMode ? '-fps_mode' : '-vsync', 'vfr'],
    // With a finer time base older versions give the last frame no duration, so that players do not show it.
    ...(ownTimes ? ['-enc_time_base:v', '1:960'] : []),
    // Older versions fail when one stream begins long after the other.
    ...['-max_muxing_queue_size', '9999'],
    ...TAG_ARGS,
    ...encoderArgs(edit.output, ownTimes ? meanRate(probe.picture) : null),
    ...(sound === null ? [] : soundArgs(edit.output, sound)),
    ...muxerArgs(edit),
    outputName,
  ]
  // MP4 and Matroska are seeked exactly; other containers may be entered too late, so seeking starts well before.
  const isExact = probe.demuxer === 'mov' || probe.demuxer === 'matroska'
  const from = still === null ? edit.start : Math.max(0, micros(still - EARLY))
  const coarse = isExact ? from : Math.max(0, Math.min(from, edit.start - COARSE))
  const entry = still === null ? [] : entryOf(still - coarse, edit.start - coarse)
  const hold = isExact || coarse === 0 || still !== null ? holdOf(probe, edit, still ?? coarse, coarse) : []
  const within = probe.picture.times.filter((at) => at >= edit.start && at < edit.start + edit.duration)
  const ticks = ticksOf(probe.picture, edit)
  const more = still === null ? ticks.map((tick) => tick / 1_000) : [edit.start]
  const times = [...within, ...more].sort((a, b) => a - b)
  const isPart = edit.start > 0 || edit.duration < probe.duration
  // An encoder with a constant rate moves frames by up to half a frame, even beyond the end of a span.
  const ownTimes =
    edit.output.fps === undefined && (!probe.picture.constant || isPart || hold.length + ticks.length > 0)
  return { ...edit, args, outputName, target, sound, hold, times }
}

/** The time of the frame that is shown before the first one of the span; null when that begins at once. */
function stillAt({ times, end }: Picture, { start, duration }: Edit): number | null {
  const before = times.findLast((at) => at < start)
  const next = times.find((at) => at >= start) ?? Number.POSITIVE_INFINITY
  if (before === undefined || end <= start) return null
  return next - start > UNTOLD || next >= start + duration ? before : null
}

/** Filters that begin with the frame at `still` and show it from `start` on; seconds of what ffmpeg decodes. */
function entryOf(still: number, start: number): string[] {
  const from = Math.max(0, micros(still - EARLY))
  return [`select='gte(t,${from})'`, `setpts='max(PTS,ceil(${micros(start)}/TB))'`]
}

/**
 * When a frame that stands still is shown again, because an item appears or disappears meanwhile: filters draw on frames
 * only. Milliseconds.
 */
function ticksOf({ times, end }: Picture, { changes = [], duration }: Edit): number[] {
  const until = Math.min(end, duration)
  const ticks = changes.flatMap((at) => {
    const before = times.findLast((each) => each <= at)
    const next = times.find((each) => each > at) ?? until
    if (before === undefined || before === at || next - at <= UNTOLD) return []
    return [Math.ceil(Math.max(at * 1_000, before * 1_000 + APART))]
  })
  const inOrder = ticks.sort((a, b) => a - b)
  return inOrder.filter((tick, index) => !((inOrder[index + 1] ?? Infinity) - tick < APART))
}

/**
 * The chain of a second picture that has a frame at the start, at each of `ticks` and beyond the `end`: `streamselect`
 * shows the first picture whenever one of the two has a frame.
 */
function clockOf(ticks: readonly number[], end: number): string {
  const all = [0, ...ticks, Math.ceil(end * 1_000) + 1_000]
  return `color=s=16x16:r=1000:d=${all.length / 1_000},setpts='${nth(all, 0)}'[clock]`
}

/** The expression of the number with the index N, where the first one is that of `from`: a tree, since depth is limited. */
function nth(numbers: readonly number[], from: number): string {
  const half = Math.ceil(numbers.length / 2)
  if (half === numbers.length) return String(numbers[0])
  return `if(lt(N,${from + half}),${nth(numbers.slice(0, half), from)},${nth(numbers.slice(half), from + half)})`
}

/** `Plan.hold`, when `first` is the time of the first frame of the graph, and `zero` the time that is its 0. */
function holdOf({ picture }: Probe, { start, duration }: Edit, first: number, zero: number): string[] {
  const end = start + duration
  const shown = picture.times.filter((at) => at >= first && at < end)
  const until = Math.min(picture.end, end)
  if (until - Math.max(start, shown.at(-1) ?? until) <= UNTOLD) return []
  const at = Math.round((until - zero) * 1_000 - 2) / 1_000
  return [
    // `start` counts frames from 1.
    `loop=loop=1:size=1:start=${shown.length}`,
    `setpts='if(eq(N,${shown.length}),${at}/TB,PTS)'`,
    // Removes the frame rate, the reciprocal of which newer versions take as the duration of the last frame.
    'interleave=nb_inputs=1',
  ]
}

/** Frames per second, as an integer. */
function meanRate({ times, end }: Picture): number {
  const rate = times.length / Math.max(0.001, end - (times[0] ?? 0))
  return Math.min(240, Math.max(1, Math.round(rate)))
}

/** The sound, if any of it is in the selected span. */
function kept(sound: Sound | null, { start, duration }: Edit): Sound | null {
  if (sound === null || sound.start >= start + duration || sound.end <= start) return null
  return sound
}

/** The chain that makes one stream of two sides. */
function joined(sound: Sound | null): string[] {
  if (sound?.right === undefined) return []
  return [`[0:${sound.index}][0:${sound.right}]join=inputs=2:channel_layout=stereo[sound]`]
}

const inputOf = (sound: Sound) => (sound.right === undefined ? `0:${sound.index}` : '[sound]')

/**
 * The demuxer is given and only the file protocol is allowed, so that no input can make ffmpeg read anything else.
 * Versions differ in which orientations they apply automatically, so this is disabled.
 */
function source(demuxer: string, name: string): string[] {
  return ['-noautorotate', '-protocol_whitelist', 'file', '-f', demuxer, '-i', name]
}

/** The decoders that decode alpha; ffmpeg's own ones do not. */
const ALPHA_DECODERS: ReadonlyMap<string, string> = new Map([
  ['vp8', 'libvpx'],
  ['vp9', 'libvpx-vp9'],
])

function decoderArgs({ index, codec, alpha }: Picture): string[] {
  const decoder = alpha ? ALPHA_DECODERS.get(codec) : undefined
  return decoder === undefined ? [] : [`-c:${index}`, decoder]
}

function muxerArgs({ output: { container } }: Edit): string[] {
  return container === 'webm' ? ['-f', 'webm'] : ['-movflags', '+faststart', '-f', container]
}

function graph(
  edit: Edit,
  { picture }: Probe,
  size: Size,
  images: readonly ImageFacts[],
  { entry, hold, ticks }: Record<'entry' | 'hold', readonly string[]> & { ticks: readonly number[] },
): string {
  const chains: string[] = []
  // Side data (an orientation, brightness) is applied here, and must not be applied to the result again.
  const upright = [...turnFilters(picture.turn), ...normalised(picture, size, edit.inRgb)]
  const whole = picture.interlaced ? [DEINTERLACE] : []
  let filters = ['sidedata=delete', ...whole, ...entry, ...upright]
  let from = `[0:${picture.index}]`
  if (ticks.length > 0) {
    chains.push(`${from}${[...filters, ...hold].join(',')}[film]`, clockOf(ticks, picture.end))
    from = '[film][clock]'
    filters = ['streamselect=inputs=2:map=0']
  }
  edit.steps.forEach((step, index) => {
    if ('filter' in step) {
      filters.push(step.filter)
      return
    }
    chains.push(`${from}${filters.join(',')}[below${index}]`)
    chains.push(`${over(step, images)}[over${index}]`)
    from = `[below${index}][over${index}]`
    filters = [step.place]
  })
  const fit = fitted(edit.size, edit.output, Math.min(edit.duration, picture.end - edit.start))
  const end = edit.inRgb ? encodable(fit.size) : fit.scale
  chains.push(
    `${from}${[...filters, ...end, ...(ticks.length > 0 ? [] : hold), ...fit.after].join(',')}[out]`,
  )
  // To a graph with one input, versions before 7 add the side data of its stream, and so rotate a second time.
  chains.push(`[0:${picture.index}]nullsink`)
  return chains.join(';')
}

/** The filter chain of an overlay's own input. */
function over(step: Exclude<Step, { filter: string }>, images: readonly ImageFacts[]): string {
  if ('drawn' in step) return step.drawn.join(',')
  const { demuxer, turn } = images[step.image] ?? { demuxer: 'png_pipe', turn: 'none' }
  // Within the graph, since that is built anew when the film changes its size, and an input that has ended stays out.
  const name = imageName(step.image)
  const movie = `movie@${name}=filename=${name}:format_name=${demuxer}`
  return [movie, ...turnFilters(turn), ...step.prepare].join(',')
}
