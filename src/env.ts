import type { ExportJob } from '../actors/export-job/export-job.ts'
import type { Lane } from '../actors/lane/lane.ts'
import { maxUploadBytes } from '../actors/shared/env.ts'
import type { SettingsEnv } from '../actors/shared/settings.ts'
import { LEAST_ROW_RETENTION_DAYS, positiveInteger } from '../actors/shared/settings.ts'
import type { Upload } from '../actors/upload/upload.ts'
import type { S3 } from './files/s3.ts'

/** Bindings and variables of the Worker, as wrangler.toml and `wrangler secret put` set them. */
export interface Env extends SettingsEnv {
  DB: D1Database
  VIDEOS: R2Bucket
  EXPORT_JOB: DurableObjectNamespace<ExportJob>
  LANE: DurableObjectNamespace<Lane>
  UPLOAD: DurableObjectNamespace<Upload>
  /** Cloudflare's id of the deployed version. */
  VERSION?: WorkerVersionMetadata
  /** The static files of the pages. */
  ASSETS: Fetcher
  /** Limits the calls of one token; without this binding there is no limit. */
  RATE_LIMIT?: RateLimit
}

const MEGABYTE = 1_000_000

/** Sizes in bytes; the defaults for unset or invalid variables are 5 GiB and 95 MB. */
export function uploadLimits(env: Env): { uploadBytes: number; putBytes: number } {
  return {
    uploadBytes: maxUploadBytes(env),
    putBytes: positiveInteger(env.MAX_PUT_BYTES) ?? 95 * MEGABYTE,
  }
}

/** A year when unset or invalid. */
export function rowRetentionDays(env: Env): number {
  return Math.max(LEAST_ROW_RETENTION_DAYS, positiveInteger(env.ROW_RETENTION_DAYS) ?? 365)
}

/** Credentials of R2's S3 API; null unless all are set, in which case all bytes pass through the Worker. */
export function s3Of(env: Env): S3 | null {
  const names = [
    'R2_ACCOUNT_ID',
    'R2_ACCESS_KEY_ID',
    'R2_SECRET_ACCESS_KEY',
    'R2_BUCKET',
    'R2_S3_ENDPOINT',
  ] as const
  // A pasted line break would be part of what is signed.
  const [account, accessKeyId, secretAccessKey, bucket, own] = names.map((name) => env[name]?.trim())
  const endpoint = own || (account && `https://${account}.r2.cloudflarestorage.com`)
  if (!endpoint || !accessKeyId || !secretAccessKey || !bucket) return null
  return {
    bucketUrl: `${endpoint.replace(/\/+$/, '')}/${bucket}`,
    region: 'auto',
    accessKeyId,
    secretAccessKey,
  }
}
