/**
 * Uploads a file: requests a plan from the service, then carries it out. Loaded on first use, so that pages that only
 * watch do not load it.
 */
import type { UploadPlan, UploadRequest } from '../wire/files.ts'
import type { Transport } from './http.ts'
import { mediaTypeOf } from './media-types.ts'
import { callBack } from './report.ts'
import { isRefusal, sendParts } from './upload-parts.ts'
import { collected, exactly, put, type Source, sourceOfBlob, streamsBodies } from './upload-put.ts'

/**
 * A `Blob` or `File`, an object with `stream()` and a size, or a stream that can be read once. In runtimes that cannot
 * send streams, such as browsers, a stream that is sent in a single PUT is read into memory first.
 */
export type UploadSource =
  | Blob
  | { size: number; stream(): ReadableStream<Uint8Array>; name?: string; type?: string }
  | { size: number; stream: ReadableStream<Uint8Array>; name?: string; type?: string }

export interface UploadProgress {
  loaded: number
  total: number
  /** Whole percent; 100 only after the service has confirmed the file. */
  percent: number
  /** Above 1 when the upload had to restart; an upload in parts never does. */
  attempt: number
}

export interface UploadOptions {
  projectId?: number | undefined
  contentType?: string | undefined
  filename?: string | undefined
  onProgress?: ((progress: UploadProgress) => void) | undefined
  signal?: AbortSignal | undefined
  /**
   * Called with the plan before anything is sent: if stored, it lets a later call resume the upload, even after a
   * reload.
   */
  onPlan?: ((plan: UploadPlan) => void) | undefined
  /**
   * The plan of an earlier, unfinished call. Parts that are already stored are not sent again, for a day; a file that
   * differs from the plan's is uploaded from the beginning, under a plan of its own, as is any file under a plan that the
   * service refuses with 403.
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

/**
 * Stores a file and returns its key. The service's plan determines whether it is sent by one PUT or in parts. Failed
 * connections and 5xx are repeated, part by part if in parts, with a new URL when the old one has expired.
 */
export async function uploadVideo(
  http: Transport,
  file: UploadSource,
  options: UploadOptions = {},
): Promise<UploadedVideo> {
  const { signal, projectId, onProgress, onPlan } = options
  let source = sourceOf(file, signal)
  const total = source.size
  const filename = options.filename ?? nameOf(file)
  const contentType = options.contentType ?? mediaTypeOf({ name: filename, type: file.type ?? '' })
  const ask = async () => {
    const about: UploadRequest = { filename, content_type: contentType, size_bytes: total }
    const body = projectId === undefined ? about : { ...about, project_id: projectId }
    const answer = await http.send({
      method: 'POST',
      path: '/api/videos/upload-url',
      body,
      has: ['video_key'],
      signal,
    })
    const plan = answer.body as UploadPlan
    callBack(() => onPlan?.(plan))
    isOld = false
    return plan
  }

  /** Whether the plan was made before this try: its signatures may have become invalid since. */
  let isOld = true
  const { plan: earlier } = options
  let plan = earlier && mayGoOn(earlier, total) ? earlier : await ask()
  if (!plan.multipart && !source.blob && !streamsBodies()) {
    source = await collected(source).catch((error: unknown) => {
      // Browsers say of whatever breaks a body that the fetch failed.
      signal?.throwIfAborted()
      throw error
    })
  }
  let highest = 0
  const tell = (attempt: number) => (sent: number) => {
    // Sending a part again does not reduce the progress shown.
    highest = plan.multipart ? Math.max(highest, sent) : sent
    const loaded = Math.min(highest, total)
    // Sent bytes are not yet stored: 100 is reported only after the answer.
    const percent = Math.min(99, Math.floor((loaded / total) * 100))
    callBack(() => onProgress?.({ loaded, total, percent, attempt }))
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
      // A slow or offline client may outlast a signed URL, which must not fail the upload.
      if (tried > 1 && isExpired(plan)) plan = await ask()
      try {
        await carryOut(tried)
      } catch (error) {
        // The service decides what has expired: the local clock may be hours off, and secrets may have changed.
        if (!isOld || !source.again || !isRefusal(error) || error.status !== 403) throw error
        plan = await ask()
        await carryOut(tried)
      } finally {
        isOld = true
      }
      return tried
    },
    // Parts are repeated individually.
    { signal, tries: source.again && !plan.multipart ? 4 : 1 },
  )
  callBack(() => onProgress?.({ loaded: total, total, percent: 100, attempt }))
  return { video_key: plan.video_key, filename, content_type: contentType, size_bytes: total }
}

/** A plan is for one file, so the size must match; the parts of a file with the same size are compared. */
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
    // Create-once: an earlier try stored the file, and only its answer was lost.
    return answer.status === 412 && tried > 1 ? { ...answer, status: 200 } : answer
  }
  await exactly(source, (exact) => http.exchange('The upload', () => send(exact), signal))
}

/** Control characters, such as the line breaks that Unix allows in names, are refused by the service. */
function nameOf(file: UploadSource): string {
  const own = 'name' in file && file.name ? file.name : 'video.mp4'
  return own.replaceAll(/\p{Cc}+/gu, ' ')
}

/** A stream that is read when the signal is aborted is cancelled: it may never give another byte. */
function sourceOf(file: UploadSource, signal: AbortSignal | undefined): Source {
  if (file instanceof Blob) return sourceOfBlob(file)
  const { stream, size } = file
  const again = typeof stream === 'function'
  const given = () => (again ? stream.call(file) : stream)
  const open = () => (signal ? given().pipeThrough(new TransformStream(), { signal }) : given())
  return { size, open, again }
}
