/** What an unsuccessful end of ffmpeg means for the job: who is at fault, and whether another attempt may help. */
import { invalidMedia, JobFailure } from './failure.ts'

/** How it ended: by `code`, or by a signal from elsewhere on this computer, or (both null) it never began. */
export interface FfmpegEnd {
  code: number | null
  killedBy: string | null
  /** What it said last. */
  message: string
}

/** Signals that a process gets from others; every other one is a crash of its own. */
const FROM_OUTSIDE = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']

/** An encoder that does not open; with a GPU's the same job can go on with libx264. */
export const ENCODER_FAILED =
  /error (while opening|initializing) (encoder|output stream)|could not open encoder|openencodesessionex|no capable devices found|cannot load (lib)?(cuda|nvcuda|nvidia-encode|nvencodeapi)/i

const MISSING =
  /no such filter|unknown encoder|encoder .* not found|unknown decoder|unrecognized option|option .* not found/i
const IMPOSSIBLE =
  /picture size \S+ is invalid|dimensions .* (not supported|too large)|invalid (frame|image) size|width not divisible|rematrix is needed|unsupported channel layout|invalid channel layout|channel layout .* not supported|sample rate .* not supported/i

/** A crash, a missing part and an impossible result are named as such; what is left is about the input. */
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
  const last = said.split('\n').at(-1) || `exit code ${code}`
  return invalidMedia(`The input could not be decoded to its end; it may be damaged. ffmpeg says: ${last}`)
}
