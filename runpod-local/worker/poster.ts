/**
 * A still image of a result, for lists and players. It is taken from the result, whose orientation and colours are
 * known.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import { EXACT } from './colour.ts'
import { runFfmpeg } from './ffmpeg.ts'
import type { Probe } from './media.ts'
import type { TransferOptions } from './transfer.ts'
import { storeResult } from './transfer-result.ts'
import { within } from './within.ts'

const POSTER_NAME = 'poster.jpg'
const MAX_WIDTH = 1280
/** Maximum time that a completion waits for its poster. */
export const POSTER_MS = 20_000

/**
 * The arguments that create a JPEG in the file `name` from the result's first second, or from less of a shorter one.
 */
export function posterArgs(
  { demuxer, duration, lead, width, height, picture }: Probe,
  name: string,
): string[] {
  const wanted = Math.min(1, duration / 10)
  const shown = picture.times.findLast((at) => at <= wanted) ?? picture.times[0] ?? 0
  // Seeking ends at the next frame, so the position is slightly earlier.
  const from = Math.max(0, Math.round((lead + shown) * 1_000 - 1) / 1_000)
  const side = Math.min(MAX_WIDTH, width)
  const size = `${side}:${Math.max(1, Math.round((height * side) / width))}`
  // JFIF uses BT.601 of full range.
  const colours = 'in_color_matrix=bt709:in_range=tv:out_color_matrix=bt601:out_range=pc'
  return [
    ...['-hide_banner', '-nostdin', '-v', 'error', '-y'],
    ...(from > 0 ? ['-ss', String(from)] : []),
    ...['-protocol_whitelist', 'file', '-f', demuxer, '-i', name],
    ...['-map', `0:${picture.index}`, '-frames:v', '1', '-map_metadata', '-1'],
    ...['-vf', `scale=${size}:${EXACT}:${colours},format=yuvj420p`],
    // `bitexact` also omits the encoder's name.
    ...['-c:v', 'mjpeg', '-q:v', '3', '-flags:v', '+bitexact', '-f', 'mjpeg', POSTER_NAME],
  ]
}

/** Creates the poster and returns the path of its file. Throws when it fails, and the reason of `signal`. */
export async function makePoster(
  ffmpeg: string,
  result: Probe,
  name: string,
  how: { dir: string; signal: AbortSignal },
): Promise<string> {
  const { dir: cwd, signal } = how
  await runFfmpeg(ffmpeg, { args: posterArgs(result, name), cwd, signal, onSeconds: () => {} })
  const path = join(cwd, POSTER_NAME)
  if ((await stat(path)).size === 0) throw new Error('ffmpeg found no frame')
  return path
}

/**
 * Creates and stores a poster by one PUT, without retries, and resolves with whether it was stored. A failure or
 * timeout does not fail the job. Throws the reason of the signal only.
 */
export async function storePoster(
  make: (signal: AbortSignal) => Promise<string>,
  url: string,
  { clock, signal, backoffMs, log }: TransferOptions & { log: Log },
): Promise<boolean> {
  const late = (seconds: number) => new Error(`it took longer than ${seconds} s`)
  try {
    await within({ clock, signal, ms: POSTER_MS }, late, async (signal) => {
      const path = await make(signal)
      const target = { put_url: url, content_type: 'image/jpeg' }
      await storeResult(path, target, { clock, signal, backoffMs })
    })
    return true
  } catch (error) {
    signal.throwIfAborted()
    log('poster.missing', { error: error instanceof Error ? error.message : 'unknown' })
    return false
  }
}
