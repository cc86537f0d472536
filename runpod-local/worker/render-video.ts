/** The real work: download, look, plan, run ffmpeg, and look again at what came out. */
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { WorkerLost } from '../workers.ts'
import { checkResult } from './check-result.ts'
import { invalidMedia, invalidParams, JobFailure } from './failure.ts'
import { FfmpegError, runFfmpeg } from './ffmpeg.ts'
import { failureOf } from './ffmpeg-failure.ts'
import type { Ffmpeg } from './find-ffmpeg.ts'
import { type Render, type RenderContext, UPLOAD_FROM } from './handler.ts'
import { turnOfImage } from './orientation.ts'
import {
  type ImageFacts,
  INPUT_NAME,
  imageName,
  type Plan,
  planJob,
  refuseColours,
  refuseEarly,
} from './plan.ts'
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
    const { input, dir, signal, warn } = context
    refuseEarly(input.type, input.params, ffmpeg.missing)
    await fetchInput(context, options)
    const facts = await probe(join(dir, INPUT_NAME), ffmpeg, 'The input', signal)
    const plan = planJob(input.type, input.params, facts)
    refuseColours(facts, ffmpeg.missing)
    for (const { name, text } of plan.texts) await writeFile(join(dir, name), text)
    const images = await fetchImages(plan.imageKeys, context, options)
    const said = await render(ffmpeg, plan, images, context, options)
    const result = join(dir, plan.outputName)
    checkResult(facts, plan, await probe(result, ffmpeg, 'The result', signal))
    for (const note of [...facts.notes, ...damageOf(said)]) warn(note)
    return result
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

/** Downloads the images and answers what each is. */
async function fetchImages(
  keys: string[],
  context: RenderContext,
  options: VideoOptions,
): Promise<ImageFacts[]> {
  const { input, dir, signal } = context
  const { clock, backoffMs } = options
  const assets = new Map(Object.entries(input.assets))
  const images: ImageFacts[] = []
  for (const [index, key] of keys.entries()) {
    const url = assets.get(key)
    if (url === undefined) throw invalidParams(`The image "${key}" is not among the assets of the job.`)
    const path = join(dir, imageName(index))
    await download(url, path, `The image "${key}"`, { clock, backoffMs, signal })
    images.push(await imageFacts(path, key))
  }
  return images
}

/** Exif stands before the picture, in at most 64 KiB of its own. */
const IMAGE_HEAD_BYTES = 512 * 1024

async function imageFacts(path: string, key: string): Promise<ImageFacts> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(IMAGE_HEAD_BYTES), 0, IMAGE_HEAD_BYTES, 0)
    const head = buffer.subarray(0, bytesRead)
    const isPng = head.toString('latin1', 0, 4) === '\x89PNG'
    const isJpeg = head.toString('latin1', 0, 2) === '\xff\xd8'
    if (isPng || isJpeg) return { demuxer: isPng ? 'png_pipe' : 'jpeg_pipe', turn: turnOfImage(head) }
  } finally {
    await file.close()
  }
  throw invalidMedia(`The image "${key}" is neither PNG nor JPEG.`)
}

/** Runs ffmpeg and answers what it complained about without giving up. */
async function render(
  ffmpeg: Ffmpeg,
  plan: Plan,
  images: ImageFacts[],
  { dir, signal, progress, job }: RenderContext,
  { clock, log, killAfterMs }: VideoOptions,
): Promise<string> {
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
    const said = await runFfmpeg(ffmpeg.path, {
      args: plan.args(images, ffmpeg),
      cwd: dir,
      signal,
      killAfterMs,
      dieAtOnce: (reason) => reason instanceof WorkerLost,
      onSeconds,
      onStart: (pid) => log('ffmpeg.started', { runpod_job: job.id, pid }),
    })
    log('ffmpeg.finished', { runpod_job: job.id, ms: clock.now() - startedAt })
    return said
  } catch (error) {
    log('ffmpeg.failed', { runpod_job: job.id, stopped: signal.aborted, error: messageOf(error) })
    throw error instanceof FfmpegError ? failureOf(error) : error
  }
}

/** The decoders' own words for damage that they went over, the same in all versions. */
const DAMAGE =
  /error while decoding|concealing|corrupt|invalid data|invalid nal|missing picture|decode_slice_header|illegal/i

/** One bad patch must not cost a whole recording, but whoever gets the result should know. */
function damageOf(said: string): string[] {
  return DAMAGE.test(said) ? ['The input is damaged in places, which the result may show.'] : []
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}
