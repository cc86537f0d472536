/** Creates a short real clip by ffmpeg: a moving test picture and a tone. */
import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { ALL_FORMATS, BufferSource, Input } from 'mediabunny'
import { findFfmpeg } from '../runpod-local/worker/find-ffmpeg.ts'

/** @throws Error when no ffmpeg is found */
export async function makeClip(path: string, durationSeconds: number): Promise<void> {
  const ffmpeg = await findFfmpeg()
  if (!ffmpeg) throw new Error('No ffmpeg was found: run npm ci, or set FFMPEG_PATH.')
  await mkdir(dirname(path), { recursive: true })
  const length = String(durationSeconds)
  const video = ['-f', 'lavfi', '-i', `testsrc2=size=1280x720:rate=30:duration=${length}`]
  const audio = ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${length}`]
  const encode = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest']
  await promisify(execFile)(ffmpeg.path, ['-v', 'error', '-y', ...video, ...audio, ...encode, path])
}

export interface Probe {
  durationSeconds: number
  width: number
  height: number
}

/** Reads a video file. @throws Error when it is no video */
export async function probe(path: string): Promise<Probe> {
  const bytes = await readFile(path)
  const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(bytes) })
  const track = await input.getPrimaryVideoTrack()
  if (!track) throw new Error(`${path} has no video track.`)
  return {
    durationSeconds: await input.computeDuration(),
    width: track.displayWidth,
    height: track.displayHeight,
  }
}
