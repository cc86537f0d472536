/** A render step without rendering: for benchmarks that measure the service and not ffmpeg. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, pause } from '../clock.ts'
import { type Render, UPLOAD_FROM } from './handler.ts'

export interface NoopOptions {
  clock: Clock
  /** Number of progress reports to send, each awaited. */
  reports: number
  /** Between two of them, ms. */
  intervalMs: number
}

/** Sends its progress reports and returns a file of a few bytes, as result and as poster. It downloads nothing. */
export function noopRender({ clock, reports, intervalMs }: NoopOptions): Render {
  return async ({ dir, signal, progress, flush }) => {
    for (let nth = 1; nth <= reports; nth++) {
      if (intervalMs > 0) await pause(clock, intervalMs, signal)
      signal.throwIfAborted()
      progress({ percent: (UPLOAD_FROM * nth) / reports, stage: 'rendering' })
      await flush()
    }
    const path = join(dir, 'output')
    await writeFile(path, 'noop\n')
    return { path, poster: () => Promise.resolve(path) }
  }
}
