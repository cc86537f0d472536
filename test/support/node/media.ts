import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Ffmpeg, findFfmpeg } from '../../../runpod-local/worker/find-ffmpeg.ts'
import type { Probe } from '../../../runpod-local/worker/media.ts'
import { probe } from '../../../runpod-local/worker/probe.ts'

/** The installed ffmpeg; null, with a warning, if there is none. */
export const ffmpeg: Ffmpeg | null = await findFfmpeg()
if (ffmpeg === null) console.warn('NO FFMPEG WAS FOUND: every test that needs one is SKIPPED')

export interface Media {
  dir: string
  /** Runs ffmpeg and returns its standard output. */
  run(...args: string[]): Promise<Buffer>
  /** A file made by ffmpeg, from arguments without the output name. */
  make(name: string, ...args: string[]): Promise<Buffer>
  probe(file: Buffer): Promise<Probe>
  /** The RGB bytes of one frame, by [column, row]. */
  frame(file: Buffer, second: number): Promise<(x: number, y: number) => number[]>
  close(): Promise<void>
}

export async function media(): Promise<Media> {
  const dir = await mkdtemp(join(tmpdir(), 'runpod-local-media-'))
  const run = async (...args: string[]) => {
    const options = { encoding: 'buffer', maxBuffer: 2 ** 26, cwd: dir } as const
    const { stdout } = await promisify(execFile)(
      ffmpeg?.path ?? 'ffmpeg',
      ['-v', 'error', '-y', ...args],
      options,
    )
    return stdout
  }
  const sizeOf = async (file: Buffer) => {
    await writeFile(join(dir, 'look'), file)
    if (ffmpeg === null) throw new Error('there is no ffmpeg')
    return probe(join(dir, 'look'), ffmpeg)
  }
  return {
    dir,
    run,
    async make(name, ...args) {
      await run(...args, name)
      return readFile(join(dir, name))
    },
    probe: sizeOf,
    async frame(file, second) {
      const { width } = await sizeOf(file)
      const raw = ['-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1']
      const pixels = await run('-ss', String(second), '-i', 'look', ...raw)
      return (x, y) => [...pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)]
    },
    close: () => rm(dir, { recursive: true, force: true }),
  }
}

/** `-f lavfi` inputs for a clip with moving picture and sound. */
export function clipArgs(seconds: number, size = '320x180'): string[] {
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=${seconds}`]
  const sound = ['-f', 'lavfi', '-i', `sine=d=${seconds}`]
  return [...picture, ...sound, '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac']
}

/**
 * Creates an ffmpeg that answers queries about itself correctly, but renders by `script`, a shell script with the real
 * one as `$FFMPEG`. Returns the environment that selects it.
 */
export async function fakeFfmpeg(dir: string, script: string): Promise<Record<string, string>> {
  const path = join(dir, 'fake-ffmpeg')
  const lines = ['#!/bin/sh', `FFMPEG='${ffmpeg?.path}'`, 'case "$*" in', '*-progress*)', script, ';;']
  await writeFile(path, [...lines, '*) exec "$FFMPEG" "$@" ;;', 'esac', ''].join('\n'), { mode: 0o755 })
  return { FFMPEG_PATH: path }
}
