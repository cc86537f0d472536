/**
 * Running ffmpeg. Success is exit code 0 and nothing else: on SIGTERM it writes a playable half of the file and
 * says `progress=end`, so neither the file nor that line proves anything.
 */
import { spawn } from 'node:child_process'
import { CHILD_ENV } from './find-ffmpeg.ts'

export interface FfmpegRun {
  args: readonly string[]
  /** Every path in `args` is relative to it. */
  cwd: string
  signal: AbortSignal
  /** Between SIGTERM and SIGKILL, ms. */
  killAfterMs: number
  /** Whether the abort reason calls for SIGKILL at once. */
  dieAtOnce?: (reason: unknown) => boolean
  /** Called with the seconds of output written so far, about twice a second. */
  onSeconds: (seconds: number) => void
  onStart?: (pid: number | undefined) => void
}

/** ffmpeg ended by itself without success. `killedBy` is the signal if something else on this computer killed it. */
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

/** The end of what a program said, cut between lines: half a line, or half a character, says nothing. */
export function lastLines(said: string): string {
  const all = said.toWellFormed()
  const tail = all.slice(-KEPT_STDERR)
  return all === tail ? all : tail.slice(tail.indexOf('\n') + 1).toWellFormed()
}

/** Runs ffmpeg to its end and answers the last of what it said. Throws `FfmpegError`, or the reason of `signal` once the process is really gone. */
export function runFfmpeg(binary: string, run: FfmpegRun): Promise<string> {
  run.signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const child = spawn(binary, run.args, {
      cwd: run.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: CHILD_ENV,
    })
    run.onStart?.(child.pid)
    let killTimer: NodeJS.Timeout | undefined
    let said = ''
    const seconds = progressParser(run.onSeconds)
    child.stdout.setEncoding('utf8').on('data', seconds)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = lastLines(said + text)
    })
    const stop = () => {
      child.kill(run.dieAtOnce?.(run.signal.reason) ? 'SIGKILL' : 'SIGTERM')
      killTimer = setTimeout(() => child.kill('SIGKILL'), run.killAfterMs)
    }
    run.signal.addEventListener('abort', stop, { once: true })
    const settle = (finish: () => void) => {
      clearTimeout(killTimer)
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
 * Reads the `key=value` lines of `-progress`, in pieces of any length, and tells the seconds of output. Lines that
 * are not yet a number (`N/A`) or negative are passed over.
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
