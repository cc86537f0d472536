/**
 * Uploads a file: asks the service for a plan, then carries it out. Loaded on first use, so that a page that only
 * watches does not pay for it.
 */
import type { Transport } from './http.ts'
import { put, type Source } from './upload-put.ts'

/** A `Blob` or `File`, anything with `stream()` and a size, or a stream that can be read once. */
export type UploadSource =
  | Blob
  | { size: number; stream(): ReadableStream<Uint8Array>; name?: string; type?: string }
  | { size: number; stream: ReadableStream<Uint8Array>; name?: string; type?: string }

export interface UploadProgress {
  loaded: number
  total: number
  /** Whole percents; 100 only once the service has confirmed the file. */
  percent: number
  /** Above 1 the upload had to begin again. */
  attempt: number
}

export interface UploadOptions {
  projectId?: number | undefined
  contentType?: string | undefined
  filename?: string | undefined
  onProgress?: ((progress: UploadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface UploadedVideo {
  /** For `input_video_key`, or an item's `image_key`. */
  video_key: string
  filename: string
  content_type: string
  size_bytes: number
}

/** Answer of `POST /api/videos/upload-url`. */
export interface UploadPlan {
  upload_url: string
  video_key: string
  method: string
  headers: Record<string, string>
  expires_at: string
  /** Offered for large files; a single PUT is what this client does today. */
  multipart?: unknown
}

/** Stores a file and answers its key. Repeats on a broken line and on 5xx, with a new URL when the old one expired. */
export async function uploadVideo(
  http: Transport,
  file: UploadSource,
  options: UploadOptions = {},
): Promise<UploadedVideo> {
  const { signal, projectId, onProgress } = options
  const source = sourceOf(file)
  const total = source.size
  const filename = options.filename ?? ('name' in file && file.name ? file.name : 'video.mp4')
  const contentType = options.contentType ?? (file.type || guessType(filename))
  const ask = async () => {
    const about = { filename, content_type: contentType, size_bytes: total }
    const body = projectId === undefined ? about : { ...about, project_id: projectId }
    const answer = await http.send({ method: 'POST', path: '/api/videos/upload-url', body, signal })
    return answer.body as UploadPlan
  }

  let plan = await ask()
  const attempt = await http.repeat(
    async (tried) => {
      // A slow or offline client outlives a signed URL; that is no reason to fail.
      if (tried > 1 && Date.now() >= Date.parse(plan.expires_at)) plan = await ask()
      await carryOut(http, plan, source, tried, options)
      return tried
    },
    { signal, tries: source.again ? 4 : 1 },
  )
  onProgress?.({ loaded: total, total, percent: 100, attempt })
  return { video_key: plan.video_key, filename, content_type: contentType, size_bytes: total }
}

/** The place for further ways of sending, chosen by what the plan offers. */
async function carryOut(
  http: Transport,
  plan: UploadPlan,
  source: Source,
  attempt: number,
  { signal, onProgress }: UploadOptions,
): Promise<void> {
  const total = source.size
  const send = async () => {
    const answer = await put({
      fetch: http.fetch,
      url: http.absolute(plan.upload_url),
      method: plan.method,
      headers: plan.headers,
      source,
      signal,
      // All bytes handed to the network are not all bytes stored: 100 is said when the answer is there.
      onSent: (loaded) => {
        const percent = Math.min(99, Math.floor((loaded / total) * 100))
        onProgress?.({ loaded: Math.min(loaded, total), total, percent, attempt })
      },
    })
    // Create-once, and an earlier try of ours was first: its answer was lost, the file is there.
    return answer.status === 412 && attempt > 1 ? { ...answer, status: 200 } : answer
  }
  await http.exchange('The upload', send, signal)
}

function sourceOf(file: UploadSource): Source {
  if (file instanceof Blob) return { size: file.size, blob: file, open: () => file.stream(), again: true }
  const { stream, size } = file
  if (typeof stream === 'function') return { size, open: () => stream.call(file), again: true }
  return { size, open: () => stream, again: false }
}

function guessType(filename: string): string {
  const types: Record<string, string> = {
    mp4: 'video/mp4',
    mov: 'video/quicktime',
    webm: 'video/webm',
    mkv: 'video/x-matroska',
    png: 'image/png',
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    webp: 'image/webp',
  }
  return types[filename.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'application/octet-stream'
}
