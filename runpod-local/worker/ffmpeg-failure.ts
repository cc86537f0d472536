/** Maps a failed run of ffmpeg to the job's failure: its cause, and whether a retry may help. */
import { invalidMedia, JobFailure } from './failure.ts'

/** How ffmpeg ended: with `code`, by a signal from another process, or (both null) it did not start. */
export interface FfmpegEnd {
  code: number | null
  killedBy: string | null
  /** Its last output. */
  message: string
}

/** Signals from other processes; every other signal is a crash. */
const FROM_OUTSIDE = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']

/** An encoder that does not open; if it is a GPU's, the job can continue with libx264. */
export const ENCODER_FAILED =
  /error (while opening|initializing) (encoder|output stream)|could not open encoder|openencodesessionex|no capable devices found|cannot load (lib)?(cuda|nvcuda|nvidia-encode|nvencodeapi)/i

const MISSING =
  /no such filter|unknown encoder|encoder .* not found|unknown decoder|unrecognized option|option .* not found/i
/** A failure of the worker's own files. Demuxers print "Input/output error" for damaged files too, muxers do not. */
export const FILES_OUT_OF_REACH =
  /no such file or directory|not a directory|permission denied|read-only file system|disk quota exceeded|file too large|too many open files|stale file handle|(could not write|error writing|error closing|error opening output|write_frame|muxer).*: input\/output error/i
/** The filter that reads an image, or a source of the graph that fails as it decodes: only images are decoded there. */
const IMAGE_UNREADABLE = /movie@image-|error while filtering: invalid data/i
const IMPOSSIBLE =
  /picture size \S+ is invalid|dimensions .* (not supported|too large)|invalid (frame|image) size|width not divisible|rematrix is needed|unsupported channel layout|invalid channel layout|channel layout .* not supported|sample rate .* not supported/i

/** Identifies crashes, missing components and impossible results; every other failure is caused by the input. */
export function failureOf({ code, killedBy, message: said }: FfmpegEnd): JobFailure {
  if (killedBy === 'SIGKILL') {
    const message = 'ffmpeg was killed by SIGKILL; the computer may be out of memory.'
    return new JobFailure('out_of_memory', message, true)
  }
  if (killedBy !== null) {
    const isEnded = FROM_OUTSIDE.includes(killedBy)
    const message = isEnded
      ? `ffmpeg was ended from outside by ${killedBy}.`
      : `ffmpeg crashed on this input (${killedBy}).`
    return new JobFailure('worker_error', message, isEnded)
  }
  if (code === null) return new JobFailure('worker_error', `ffmpeg did not start: ${said}`, true)
  if (/cannot allocate memory|out of memory/i.test(said)) {
    return new JobFailure('out_of_memory', 'The worker ran out of memory while it rendered.', true)
  }
  if (/no space left on device/i.test(said)) {
    return new JobFailure('worker_error', 'The worker ran out of disk.', true)
  }
  const lineOf = (pattern: RegExp) => said.split('\n').find((line) => pattern.test(line))
  const missing = lineOf(MISSING)
  if (missing !== undefined) {
    return new JobFailure('worker_error', `This worker's ffmpeg lacks what the job needs: ${missing}`, false)
  }
  const impossible = lineOf(IMPOSSIBLE)
  if (impossible !== undefined) {
    return new JobFailure(
      'invalid_params',
      `The result cannot be made as asked for. ffmpeg says: ${impossible}`,
      false,
    )
  }
  const unopened = lineOf(ENCODER_FAILED)
  if (unopened !== undefined) {
    return new JobFailure('worker_error', `The encoder does not open. ffmpeg says: ${unopened}`, true)
  }
  const outOfReach = lineOf(FILES_OUT_OF_REACH)
  if (outOfReach !== undefined) {
    const message = `The worker's files cannot be read or written. ffmpeg says: ${outOfReach}`
    return new JobFailure('worker_error', message, true)
  }
  const image = lineOf(IMAGE_UNREADABLE)
  if (image !== undefined)
    return invalidMedia(`An image could not be decoded; it may be damaged. ffmpeg says: ${image}`)
  const last = said.split('\n').at(-1) || `exit code ${code}`
  return invalidMedia(`The input could not be decoded to its end; it may be damaged. ffmpeg says: ${last}`)
}
