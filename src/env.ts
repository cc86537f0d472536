import type { ExportJob } from '../actors/export-job/export-job.ts'
import type { SettingsEnv } from '../actors/settings.ts'
import type { Upload } from '../actors/upload/upload.ts'
import type { S3 } from './s3.ts'

/** Bindings and variables of the Worker, as wrangler.toml and `wrangler secret put` set them. */
export interface Env extends SettingsEnv {
  DB: D1Database
  VIDEOS: R2Bucket
  EXPORT_JOB: DurableObjectNamespace<ExportJob>
  UPLOAD: DurableObjectNamespace<Upload>
  /** The files of the pages. */
  ASSETS: Fetcher
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
  /** How often one token may call; without this binding, as often as it likes. */
  RATE_LIMIT?: RateLimit
  /** What wrangler.toml sets the binding to, for the headers of a refusal: requests in so many seconds. */
  RATE_LIMIT_REQUESTS?: string
  RATE_LIMIT_SECONDS?: string
  /** The most unfinished jobs that one project may have; unset means any number. */
  MAX_ACTIVE_JOBS_PER_PROJECT?: string
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

/** R2's S3 API; null unless everything is set: then bytes pass through the Worker. */
export function s3Of(env: Env): S3 | null {
  const { R2_ACCOUNT_ID, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY, R2_BUCKET, R2_S3_ENDPOINT } = env
  const endpoint = R2_S3_ENDPOINT || (R2_ACCOUNT_ID && `https://${R2_ACCOUNT_ID}.r2.cloudflarestorage.com`)
  if (!endpoint || !R2_ACCESS_KEY_ID || !R2_SECRET_ACCESS_KEY || !R2_BUCKET) return null
  return {
    bucketUrl: `${endpoint.replace(/\/+$/, '')}/${R2_BUCKET}`,
    region: 'auto',
    accessKeyId: R2_ACCESS_KEY_ID,
    secretAccessKey: R2_SECRET_ACCESS_KEY,
  }
}

function bytes(text: string | undefined, standard: number): number {
  return positiveInteger(text) ?? standard
}

/** A variable as a number from 1 on; null when it is unset or unreadable. */
export function positiveInteger(text: string | undefined): number | null {
  const value = Number(text)
  return text && Number.isSafeInteger(value) && value > 0 ? value : null
}
