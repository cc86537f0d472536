/** Multipart uploads as a client of the HTTP API makes them: begin, sign, send, list, complete. */
import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import { api, apiWith, bodyOf, pathOf, post } from './http.ts'

export const MIB = 1024 ** 2
export const PART = 5 * MIB

export interface Plan {
  upload_url: string | null
  video_key: string
  method: string
  headers: Record<string, string>
  expires_at: string
  size_bytes: number
  multipart?: { companion_url: string; part_size_bytes: number; part_count: number }
}

export interface Begun {
  key: string
  uploadId: string
  part_size_bytes: number
}

export interface Listed {
  PartNumber: number
  Size: number
  ETag: string
  MD5?: string
}

/** One upload, driven manually. `companion` is the base path of the routes. */
export class PartsClient {
  readonly companion: string
  readonly key: string
  readonly uploadId: string

  constructor(companion: string, { key, uploadId }: { key: string; uploadId: string }) {
    this.companion = companion
    this.key = key
    this.uploadId = uploadId
  }

  path(rest = ''): string {
    const query = new URLSearchParams({ key: this.key })
    return `${this.companion}/s3/multipart/${encodeURIComponent(this.uploadId)}${rest}?${query}`
  }

  async sign(part: number): Promise<string> {
    const { url } = await bodyOf<{ url: string }>(await api(this.path(`/${part}`)))
    return pathOf(url)
  }

  /** Sends one part and returns its ETag, without quotes. */
  async send(part: number, bytes: Uint8Array): Promise<string> {
    const response = await putPart(await this.sign(part), bytes)
    expect(response.status).toBe(200)
    return (response.headers.get('ETag') ?? '').replaceAll('"', '')
  }

  list(): Promise<Response> {
    return api(this.path())
  }

  progress(): Promise<Response> {
    return api(this.path('/progress'))
  }

  abort(): Promise<Response> {
    return api(this.path(), { method: 'DELETE' })
  }

  complete(etags: readonly string[]): Promise<Response> {
    return post(this.path('/complete'), {
      parts: etags.map((ETag, index) => ({ PartNumber: index + 1, ETag })),
    })
  }
}

export function putPart(path: string, bytes: Uint8Array, headers: Record<string, string> = {}) {
  const length = { 'Content-Length': String(bytes.byteLength) }
  return api(path, { method: 'PUT', body: bytes, headers: { ...length, ...headers } })
}

/** The plan for a file of this size; large files are sent in parts. */
export async function planFor(size_bytes: number, over: Record<string, unknown> = {}): Promise<Plan> {
  const body = { filename: 'clip.mp4', content_type: 'video/mp4', size_bytes, ...over }
  return bodyOf<Plan>(await post('/api/videos/upload-url', body))
}

export async function companionFor(project_id?: number): Promise<string> {
  const body = project_id === undefined ? {} : { project_id }
  const { companion_url } = await bodyOf<{ companion_url: string }>(await post('/api/uploads', body))
  return pathOf(companion_url)
}

export async function begin(companion: string, body: unknown = {}): Promise<PartsClient> {
  const answer = await bodyOf<Begun>(await post(`${companion}/s3/multipart`, body))
  return new PartsClient(companion, answer)
}

/** Begins with a project's token, as Uppy does. */
export async function beginInProject(project_id = 7): Promise<PartsClient> {
  const companion = await companionFor(project_id)
  return begin(companion, { filename: 'clip.mp4', type: 'video/mp4', metadata: { name: 'clip.mp4' } })
}

export function bytesOf(size: number, fill = 1): Uint8Array {
  return new Uint8Array(size).fill(fill)
}

/**
 * The companion path of a file whose announced size is small enough for a test, and which is nevertheless sent in
 * parts.
 */
export async function smallPlan(size_bytes: number, over: Record<string, unknown> = {}): Promise<string> {
  const body = { filename: 'clip.mp4', content_type: 'video/mp4', size_bytes, project_id: 7, ...over }
  const answer = await apiWith({ MAX_PUT_BYTES: '1' }, '/api/videos/upload-url', jsonInit(body))
  const { multipart } = await bodyOf<Plan>(answer)
  return pathOf(multipart?.companion_url ?? '')
}

export function jsonInit(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
}

/** The bucket, with other behaviour of its multipart uploads. */
export function withUpload(over: Partial<R2MultipartUpload>): R2Bucket {
  return new Proxy(env.VIDEOS, {
    get: (bucket, name) =>
      name === 'resumeMultipartUpload' ? () => over : Reflect.get(bucket, name).bind(bucket),
  })
}
