/**
 * Runs ffmpeg. Only exit code 0 is success: on SIGTERM it writes a playable part of the file and prints `progress=end`,
 * so neither of them proves anything. A stopped job does not need that part, so ffmpeg is killed: encoding its buffered
 * frames would take seconds.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { CHILD_ENV } from './find-ffmpeg.ts'

export interface FfmpegRun {
  args: readonly string[]
  /** Working directory; every path in `args` is relative to it. */
  cwd: string
  signal: AbortSignal
  /** Called with the seconds of output written so far, about twice a second. */
  onSeconds: (seconds: number) => void
  onStart?: (pid: number | undefined) => void
}

/** ffmpeg failed by itself. `killedBy` is the signal if another process killed it. */
export class FfmpegError extends Error {
  override name = 'FfmpegError'
  readonly code: number | null
  readonly killedBy: string | null

  constructor(code: number | null, killedBy: string | null, said: string) {
    super(said)
    this.code = code
    this.killedBy = killedBy
  }
}

const KEPT_STDERR = 4_000

/** The last complete lines of an output: a partial line or character is not readable. */
export function lastLines(said: string): string {
  const all = said.toWellFormed()
  const tail = all.slice(-KEPT_STDERR)
  return all === tail ? all : tail.slice(tail.indexOf('\n') + 1).toWellFormed()
}

/**
 * Runs ffmpeg and returns its last lines of output.
 *
 * @throws FfmpegError, or the reason of `signal` after the process has ended
 */
export function runFfmpeg(binary: string, run: FfmpegRun): Promise<string> {
  run.signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const child = spawn(binary, run.args, {
      cwd: run.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      // In the directory of the fonts; fontconfig accepts no relative path.
      env: { ...CHILD_ENV, FONTCONFIG_FILE: join(run.cwd, '../fonts.conf') },
    })
    run.onStart?.(child.pid)
    let said = ''
    const seconds = progressParser(run.onSeconds)
    child.stdout.setEncoding('utf8').on('data', seconds)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = lastLines(said + text)
    })
    const stop = () => child.kill('SIGKILL')
    run.signal.addEventListener('abort', stop, { once: true })
    const settle = (finish: () => void) => {
      run.signal.removeEventListener('abort', stop)
      finish()
    }
    child.once('error', (error) => settle(() => reject(new FfmpegError(null, null, error.message))))
    child.once('close', (code, killedBy) => {
      settle(() => {
        if (run.signal.aborted) reject(run.signal.reason)
        else if (code === 0) resolve(said)
        else reject(new FfmpegError(code, killedBy, said.trim()))
      })
    })
  })
}

/**
 * Parses the `key=value` lines of `-progress`, in chunks of any length, and calls `onSeconds` with the seconds of
 * output. Lines without a number yet (`N/A`) and with a negative one are ignored.
 */
export function progressParser(onSeconds: (seconds: number) => void): (text: string) => void {
  let rest = ''
  return (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const micros = /^out_time_us=(\d+)\s*$/.exec(line)?.[1]
      if (micros !== undefined) onSeconds(Number(micros) / 1e6)
    }
  }
}
