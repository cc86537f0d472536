/** The real work: download, look, plan, run ffmpeg, and look again at what came out. */
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { WorkerLost } from '../workers.ts'
import { invalidMedia, invalidParams, JobFailure } from './failure.ts'
import { FfmpegError, runFfmpeg } from './ffmpeg.ts'
import { failureOf } from './ffmpeg-failure.ts'
import type { Ffmpeg } from './find-ffmpeg.ts'
import { type Render, type RenderContext, UPLOAD_FROM } from './handler.ts'
import { INPUT_NAME, imageName, type Plan, planJob } from './plan.ts'
import { probe } from './probe.ts'
import { download } from './transfer.ts'

export interface VideoOptions {
  ffmpeg: Ffmpeg | null
  clock: Clock
  log: Log
  backoffMs: readonly number[]
  /** Between SIGTERM and SIGKILL, ms. */
  killAfterMs: number
}

/** Progress when the input is here and the rendering begins. */
const RENDER_FROM = 5

/** The render step of the real worker. */
export function videoRender(options: VideoOptions): Render {
  return async (context) => {
    const { ffmpeg } = options
    if (ffmpeg === null) {
      throw new JobFailure('worker_error', 'No ffmpeg was found on this computer; set FFMPEG_PATH.', false)
    }
    const { input, dir } = context
    await fetchInput(context, options)
    const plan = planJob(input.type, input.params, await probe(join(dir, INPUT_NAME)))
    for (const { name, text } of plan.texts) await writeFile(join(dir, name), text)
    const imageDemuxers = await fetchImages(plan.imageKeys, context, options)
    await render(ffmpeg, plan, imageDemuxers, context, options)
    await check(join(dir, plan.outputName), plan)
    return join(dir, plan.outputName)
  }
}

function fetchInput({ input, dir, signal, progress }: RenderContext, options: VideoOptions): Promise<void> {
  const onFraction = (done: number) => progress({ percent: done * RENDER_FROM, stage: 'downloading' })
  const { clock, backoffMs } = options
  return download(input.input_url, join(dir, INPUT_NAME), 'The input', {
    clock,
    backoffMs,
    signal,
    onFraction,
  })
}

/** Downloads the images and answers the ffmpeg demuxer of each. */
async function fetchImages(keys: string[], context: RenderContext, options: VideoOptions): Promise<string[]> {
  const { input, dir, signal } = context
  const { clock, backoffMs } = options
  const assets = new Map(Object.entries(input.assets))
  const demuxers: string[] = []
  for (const [index, key] of keys.entries()) {
    const url = assets.get(key)
    if (url === undefined) throw invalidParams(`The image "${key}" is not among the assets of the job.`)
    const path = join(dir, imageName(index))
    await download(url, path, `The image "${key}"`, { clock, backoffMs, signal })
    demuxers.push(await imageDemuxer(path, key))
  }
  return demuxers
}

async function imageDemuxer(path: string, key: string): Promise<string> {
  const file = await open(path)
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
    if (buffer.toString('latin1') === '\x89PNG') return 'png_pipe'
    if (buffer.readUInt16BE(0) === 0xffd8) return 'jpeg_pipe'
  } finally {
    await file.close()
  }
  throw invalidMedia(`The image "${key}" is neither PNG nor JPEG.`)
}

async function render(
  ffmpeg: Ffmpeg,
  plan: Plan,
  imageDemuxers: string[],
  { dir, signal, progress, job }: RenderContext,
  { clock, log, killAfterMs }: VideoOptions,
): Promise<void> {
  const startedAt = clock.now()
  progress({ percent: RENDER_FROM, stage: 'rendering' })
  const onSeconds = (seconds: number) => {
    const done = Math.min(1, seconds / plan.duration)
    const elapsed = (clock.now() - startedAt) / 1_000
    const percent = RENDER_FROM + done * (UPLOAD_FROM - RENDER_FROM)
    const eta = done > 0.03 ? { etaSeconds: (elapsed * (1 - done)) / done } : {}
    progress({ percent, stage: 'rendering', ...eta })
  }
  try {
    await runFfmpeg(ffmpeg.path, {
      args: plan.args(imageDemuxers),
      cwd: dir,
      signal,
      killAfterMs,
      dieAtOnce: (reason) => reason instanceof WorkerLost,
      onSeconds,
      onStart: (pid) => log('ffmpeg.started', { runpod_job: job.id, pid }),
    })
    log('ffmpeg.finished', { runpod_job: job.id, ms: clock.now() - startedAt })
  } catch (error) {
    log('ffmpeg.failed', { runpod_job: job.id, stopped: signal.aborted, error: messageOf(error) })
    throw error instanceof FfmpegError ? failureOf(error) : error
  }
}

/** A damaged input can end early without an error; then the result is shorter than it must be. */
async function check(path: string, plan: Plan): Promise<void> {
  const { duration } = await probe(path, 'The result')
  const slack = Math.max(0.5, plan.duration * 0.02)
  if (Math.abs(duration - plan.duration) <= slack) return
  const [got, wanted] = [duration.toFixed(2), plan.duration.toFixed(2)]
  throw invalidMedia(`The result is ${got} s long instead of ${wanted} s; the input seems to be damaged.`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}
