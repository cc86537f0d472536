import type { ExportJob } from '../actors/export-job/export-job.ts'
import type { SettingsEnv } from '../actors/settings.ts'
import type { Upload } from '../actors/upload/upload.ts'

/** Bindings and variables of the Worker, as wrangler.toml and `wrangler secret put` set them. */
export interface Env extends SettingsEnv {
  DB: D1Database
  VIDEOS: R2Bucket
  EXPORT_JOB: DurableObjectNamespace<ExportJob>
  UPLOAD: DurableObjectNamespace<Upload>
  /** Origins that browsers may call from, comma-separated; `https://*.example.com` stands for one label. */
  ALLOWED_ORIGINS?: string
  /** The largest upload that is accepted at all, in bytes. */
  MAX_UPLOAD_BYTES?: string
  /** The largest upload in one PUT, in bytes: at most what the zone lets through to a Worker. */
  MAX_PUT_BYTES?: string
  /** With these four, bytes go straight to R2 by presigned URLs; without them through this Worker. */
  R2_ACCOUNT_ID?: string
  R2_ACCESS_KEY_ID?: string
  R2_SECRET_ACCESS_KEY?: string
  R2_BUCKET?: string
  /** Instead of the account's own S3 endpoint: another jurisdiction, or another S3-compatible store. */
  R2_S3_ENDPOINT?: string
}

const GIBIBYTE = 1024 ** 3
const MEGABYTE = 1_000_000

/** Sizes in bytes; unset or unreadable variables mean the defaults of 5 GiB and 95 MB. */
export function uploadLimits(env: Env): { uploadBytes: number; putBytes: number } {
  return {
    uploadBytes: bytes(env.MAX_UPLOAD_BYTES, 5 * GIBIBYTE),
    putBytes: bytes(env.MAX_PUT_BYTES, 95 * MEGABYTE),
  }
}

function bytes(text: string | undefined, standard: number): number {
  const value = Number(text)
  return text && Number.isSafeInteger(value) && value > 0 ? value : standard
}
