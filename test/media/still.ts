/** Whether a JPEG is a frame of a film, with its size and colours and without metadata. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import type { Seen } from './look.ts'

/** Sample positions, in fractions of the frame; JPEG deviates slightly at each, but not on average. */
const PLACES = Array.from(
  { length: 400 },
  (_, n) => [((n % 20) + 0.5) / 20, (Math.floor(n / 20) + 0.5) / 20] as const,
)
const MAX_OFF = 8

/** Searches for the frame among those of the film. */
export async function isStillOf(seen: Seen, path: string): Promise<void> {
  const [width = 0, height = 0] = seen.size.split('x').map(Number)
  const scale = ['-vf', `scale=${width}:${height}:flags=bicubic+accurate_rnd+full_chroma_int,format=rgb24`]
  const args = ['-v', 'error', '-i', path, ...scale, '-f', 'rawvideo', '-']
  const { stdout } = await promisify(execFile)('ffmpeg', args, { encoding: 'buffer', maxBuffer: 2 ** 26 })
  const still = ([x, y]: readonly [number, number]) => {
    const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 3
    return [...stdout.subarray(at, at + 3)]
  }
  const offs = Array.from({ length: seen.frames }, (_, frame) => {
    const shown = seen.at(frame)
    const off = PLACES.map((place) =>
      still(place).reduce((sum, value, n) => sum + Math.abs(value - (shown(...place)[n] ?? 0)), 0),
    )
    return off.reduce((sum, each) => sum + each, 0) / off.length / 3
  })
  expect(Math.min(...offs), 'the poster differs from every frame').toBeLessThan(MAX_OFF)
  expect((await readFile(path)).toString('latin1')).not.toMatch(/Lavc|Exif/)
}
