/** Renders a job: downloads and probes the input, plans, runs ffmpeg, and checks the result. */
import { link, mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { checkResult } from './check-result.ts'
import { downloadExternal, type External } from './external/download.ts'
import { invalidMedia, invalidParams, JobFailure } from './failure.ts'
import { FfmpegError, runFfmpeg } from './ffmpeg.ts'
import { failureOf } from './ffmpeg-failure.ts'
import type { Ffmpeg } from './find-ffmpeg.ts'
import { type Render, type RenderContext, UPLOAD_FROM } from './handler.ts'
import { jpegEnd } from './jpeg-end.ts'
import type { Probe } from './media.ts'
import { turnOfImage } from './orientation.ts'
import {
  type ImageFacts,
  INPUT_NAME,
  imageName,
  type Plan,
  planJob,
  refuseEarly,
  refuseMedia,
} from './plan.ts'
import { makePoster } from './poster.ts'
import { probe } from './probe.ts'
import type { Fonts } from './text/layout.ts'
import { FONTS_DIR, fontsDir } from './text/typesetter.ts'
import { download } from './transfer.ts'

export interface VideoOptions {
  ffmpeg: Ffmpeg | null
  /** The fonts in the directory above the jobs' directories. */
  fonts: Fonts
  clock: Clock
  log: Log
  backoffMs: readonly number[]
  external: External
}

/** Progress when the input is downloaded and rendering begins. */
const RENDER_FROM = 5

/** The render step of the real worker. */
export function videoRender(options: VideoOptions): Render {
  return async (context) => {
    const { ffmpeg } = options
    if (ffmpeg === null) {
      throw new JobFailure('worker_error', 'No ffmpeg was found on this computer; set FFMPEG_PATH.', false)
    }
    const { input, dir, signal, warn } = context
    const typesetter = { fonts: options.fonts, shaper: ffmpeg.shaper }
    refuseEarly(input.type, input.params, ffmpeg.missing, typesetter)
    await fetchInput(context, options)
    const facts = await probe(join(dir, INPUT_NAME), ffmpeg, 'The input', signal)
    const plan = planJob(input.type, input.params, facts, typesetter)
    refuseMedia(facts, ffmpeg.missing)
    await writeTexts(plan, dir)
    const images = await fetchImages(plan.imageKeys, context, options)
    const said = await render(ffmpeg, plan, images, context, options)
    const path = join(dir, plan.outputName)
    const result = await probe(path, ffmpeg, 'The result', signal)
    checkResult(facts, plan, result)
    for (const note of [...facts.notes, ...silenceOf(plan, result), ...damageOf(said)]) warn(note)
    const poster = (signal: AbortSignal) => makePoster(ffmpeg.path, result, plan.outputName, { dir, signal })
    return { path, poster }
  }
}

async function writeTexts({ texts, fontSets }: Plan, dir: string): Promise<void> {
  for (const { name, text } of texts) await writeFile(join(dir, name), text)
  for (const places of fontSets) {
    await mkdir(join(dir, fontsDir(places)))
    for (const place of places) {
      await link(join(dir, FONTS_DIR, `${place}`), join(dir, fontsDir(places), `${place}`))
    }
  }
}

function fetchInput({ input, dir, signal, progress }: RenderContext, options: VideoOptions): Promise<void> {
  const onFraction = (done: number) => progress({ percent: done * RENDER_FROM, stage: 'downloading' })
  const { clock, backoffMs, external } = options
  const path = join(dir, INPUT_NAME)
  const how = { clock, backoffMs, signal, onFraction }
  if (!input.input_is_external) return download(input.input_url, path, 'The input', how)
  const mostBytes = Math.min(external.limits.mostBytes, input.input_max_bytes ?? Number.POSITIVE_INFINITY)
  const limits = { ...external.limits, mostBytes }
  return downloadExternal(input.input_url, path, { ...how, ...external, limits })
}

/** Downloads the images and returns their properties. */
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

/** No JPEG picture ends later; of a film in place of an image no more is read into memory. */
const MAX_IMAGE_BYTES = 64 * 1024 * 1024

/** Reads the properties of an image, and cuts off what follows the picture in a JPEG. */
async function imageFacts(path: string, key: string): Promise<ImageFacts> {
  const file = await open(path, 'r+')
  try {
    const bytes = Math.min((await file.stat()).size, MAX_IMAGE_BYTES)
    const { buffer: image } = await file.read(Buffer.alloc(bytes), 0, bytes, 0)
    if (image.toString('latin1', 0, 4) === '\x89PNG') return { demuxer: 'png_pipe', turn: turnOfImage(image) }
    if (image.toString('latin1', 0, 2) !== '\xff\xd8')
      throw invalidMedia(`The image "${key}" is neither PNG nor JPEG.`)
    const end = jpegEnd(image)
    if (end < bytes) await file.truncate(end)
    return { demuxer: 'jpeg_pipe', turn: turnOfImage(image) }
  } finally {
    await file.close()
  }
}

/** Runs ffmpeg and returns its warnings. */
async function render(
  ffmpeg: Ffmpeg,
  plan: Plan,
  images: ImageFacts[],
  { dir, signal, progress, job }: RenderContext,
  { clock, log }: VideoOptions,
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

/** The decoders' messages for damage that they skip, the same in all versions. */
const DAMAGE =
  /error while decoding|concealing|corrupt|invalid data|invalid nal|missing picture|decode_slice_header|illegal|ended prematurely|read error|partial file/i

/** A sound without a decodable packet fails no export. */
function silenceOf({ sound }: Plan, result: Probe): string[] {
  return sound === null || result.sound !== null
    ? []
    : [`The result has no sound: ${sound.codec} cannot be decoded or holds nothing.`]
}

/** A damaged place must not fail a whole recording, but the result's receiver should learn of it. */
function damageOf(said: string): string[] {
  return DAMAGE.test(said) ? ['The input is damaged in places, which the result may show.'] : []
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}
