/**
 * Presigned URLs of R2's S3 API (AWS Signature Version 4, query form), for transfers that go directly to R2, without
 * the Worker's limit on bodies.
 */
import { AwsV4Signer } from 'aws4fetch'
import { encodeKey } from '../../actors/shared/signing.ts'

export interface S3 {
  /** Endpoint and bucket, without a trailing slash. */
  readonly bucketUrl: string
  /** R2 has one region, `auto`. */
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

interface Presign {
  method: 'GET' | 'PUT'
  key: string
  query?: Record<string, string>
  /** Signed headers: the client must send exactly these. */
  headers?: Record<string, string>
  /** Milliseconds. */
  now: number
  expiresAt: number
}

/** A URL for one method on one object, valid until `expiresAt`; S3 allows at most seven days. */
export async function presign(s3: S3, options: Presign): Promise<string> {
  const { method, key, query = {}, headers = {}, now, expiresAt } = options
  const url = new URL(`${s3.bucketUrl}/${encodeKey(key)}`)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  url.searchParams.set('X-Amz-Expires', String(Math.ceil((expiresAt - now) / 1000)))
  const signer = new AwsV4Signer({
    method,
    url: url.href,
    headers,
    accessKeyId: s3.accessKeyId,
    secretAccessKey: s3.secretAccessKey,
    service: 's3',
    region: s3.region,
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    signQuery: true,
    // Content-Type and Content-Length are signed as well, so that only the announced file can be sent.
    allHeaders: true,
  })
  return (await signer.sign()).url.href
}
