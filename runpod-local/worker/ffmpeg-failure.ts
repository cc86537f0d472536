/** What an unsuccessful end of ffmpeg means for the job. */
import { invalidMedia, JobFailure } from './failure.ts'

/** How it ended: by `code`, or by a signal from elsewhere on this computer, or (both null) it never began. */
export interface FfmpegEnd {
  code: number | null
  killedBy: string | null
  /** What it said last. */
  message: string
}

/** Memory and disk are this worker's trouble; everything else that ffmpeg says is about the input. */
export function failureOf({ code, killedBy, message: said }: FfmpegEnd): JobFailure {
  if (killedBy !== null) {
    const message = `ffmpeg was killed by ${killedBy}; the computer may be out of memory.`
    return new JobFailure('out_of_memory', message, true)
  }
  if (code === null) return new JobFailure('worker_error', `ffmpeg did not start: ${said}`, true)
  if (/cannot allocate memory|out of memory/i.test(said)) {
    return new JobFailure('out_of_memory', 'The worker ran out of memory while it rendered.', true)
  }
  if (/no space left on device/i.test(said)) {
    return new JobFailure('worker_error', 'The worker ran out of disk.', true)
  }
  const last = said.split('\n').at(-1) || `exit code ${code}`
  return invalidMedia(`The input could not be decoded to its end; it may be damaged. ffmpeg says: ${last}`)
}
