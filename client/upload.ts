/**
 * Uploads a file: asks the service for a plan, then carries it out. Loaded on first use, so that a page that only
 * watches does not pay for it.
 */
import type { Transport } from './http.ts'
import { mediaTypeOf } from './media-types.ts'
import { type MultipartPlan, sendParts } from './upload-parts.ts'
import { collected, exactly, put, type Source, sourceOfBlob, streamsBodies } from './upload-put.ts'

/**
 * A `Blob` or `File`, anything with `stream()` and a size, or a stream that can be read once. Where the runtime sends no
 * streams, as in browsers, one that goes in a single PUT is read into memory first.
 */
export type UploadSource =
  | Blob
  | { size: number; stream(): ReadableStream<Uint8Array>; name?: string; type?: string }
  | { size: number; stream: ReadableStream<Uint8Array>; name?: string; type?: string }

export interface UploadProgress {
  loaded: number
  total: number
  /** Whole percents; 100 only once the service has confirmed the file. */
  percent: number
  /** Above 1 the upload had to begin again; a file in parts never has to. */
  attempt: number
}

export interface UploadOptions {
  projectId?: number | undefined
  contentType?: string | undefined
  filename?: string | undefined
  onProgress?: ((progress: UploadProgress) => void) | undefined
  signal?: AbortSignal | undefined
  /** Told the plan before anything is sent: kept, it lets a later call go on with the same file, even after a reload. */
  onPlan?: ((plan: UploadPlan) => void) | undefined
  /**
   * Of an earlier call that did not get to its end. Parts that are stored already are not sent again, for a day; another
   * file than the plan was made for is uploaded from its beginning, under a plan of its own.
   */
  plan?: UploadPlan | undefined
}

export interface UploadedVideo {
  /** For `input_video_key`, or an item's `image_key`. */
  video_key: string
  filename: string
  content_type: string
  size_bytes: number
}

/** Answer of `POST /api/videos/upload-url`: one PUT, or for a large file its parts. */
export interface UploadPlan {
  upload_url: string | null
  video_key: string
  method: string
  headers: Record<string, string>
  expires_at: string
  /** Of the file that it is for. Missing in the answer of an older service: then it cannot be gone on with. */
  size_bytes?: number | undefined
  multipart?: MultipartPlan | null
}

/**
 * Stores a file and answers its key. Goes by one PUT or in parts, as the service plans it; repeats on a broken line
 * and on 5xx, what is in parts part by part, with a new URL when the old one expired.
 */
export async function uploadVideo(
  http: Transport,
  file: UploadSource,
  options: UploadOptions = {},
): Promise<UploadedVideo> {
  const { signal, projectId, onProgress, onPlan } = options
  let source = sourceOf(file)
  const total = source.size
  const filename = options.filename ?? ('name' in file && file.name ? file.name : 'video.mp4')
  const contentType = options.contentType ?? mediaTypeOf({ name: filename, type: file.type ?? '' })
  const ask = async () => {
    const about = { filename, content_type: contentType, size_bytes: total }
    const body = projectId === undefined ? about : { ...about, project_id: projectId }
    const answer = await http.send({ method: 'POST', path: '/api/videos/upload-url', body, signal })
    const plan = answer.body as UploadPlan
    onPlan?.(plan)
    return plan
  }

  const { plan: earlier } = options
  let plan = earlier && mayGoOn(earlier, total) ? earlier : await ask()
  if (!plan.multipart && !source.blob && !streamsBodies()) source = await collected(source)
  let highest = 0
  const tell = (attempt: number) => (sent: number) => {
    // A part that is sent again does not take back what was shown.
    highest = plan.multipart ? Math.max(highest, sent) : sent
    const loaded = Math.min(highest, total)
    // All bytes handed to the network are not all bytes stored: 100 is said when the answer is there.
    onProgress?.({ loaded, total, percent: Math.min(99, Math.floor((loaded / total) * 100)), attempt })
  }
  const carryOut = async (tried: number): Promise<void> => {
    const onSent = tell(tried)
    if (!plan.multipart) return sendWhole(http, plan, source, { signal, onSent, tried })
    if (await sendParts(http, plan.multipart, source, { signal, onSent })) return
    if (!source.again) throw new Error('Another file was stored under this plan; upload this one without it.')
    plan = await ask()
    return carryOut(tried)
  }
  const attempt = await http.repeat(
    async (tried) => {
      // A slow or offline client outlives a signed URL; that is no reason to fail.
      if (tried > 1 && isExpired(plan)) plan = await ask()
      await carryOut(tried)
      return tried
    },
    // Parts are repeated one by one.
    { signal, tries: source.again && !plan.multipart ? 4 : 1 },
  )
  onProgress?.({ loaded: total, total, percent: 100, attempt })
  return { video_key: plan.video_key, filename, content_type: contentType, size_bytes: total }
}

/** A plan is for one file: another of another size does not fit into it. Of the same size, its parts are compared. */
function mayGoOn(plan: UploadPlan, total: number): boolean {
  return !isExpired(plan) && plan.size_bytes === total
}

function isExpired(plan: UploadPlan): boolean {
  return Date.now() >= Date.parse(plan.expires_at)
}

/** One PUT of the whole file. */
async function sendWhole(
  http: Transport,
  plan: UploadPlan,
  source: Source,
  {
    signal,
    onSent,
    tried,
  }: { signal: AbortSignal | undefined; onSent: (bytes: number) => void; tried: number },
): Promise<void> {
  const { upload_url: url, method, headers } = plan
  if (url === null) throw new Error('The service offers no way to send this file.')
  const send = async (source: Source) => {
    const answer = await put({
      fetch: http.fetch,
      url: http.absolute(url),
      method,
      headers,
      source,
      signal,
      stallMs: http.timings.uploadStallMs,
      onSent,
    })
    // Create-once, and an earlier try of ours was first: its answer was lost, the file is there.
    return answer.status === 412 && tried > 1 ? { ...answer, status: 200 } : answer
  }
  await exactly(source, (exact) => http.exchange('The upload', () => send(exact), signal))
}

function sourceOf(file: UploadSource): Source {
  if (file instanceof Blob) return sourceOfBlob(file)
  const { stream, size } = file
  if (typeof stream === 'function') return { size, open: () => stream.call(file), again: true }
  return { size, open: () => stream, again: false }
}
