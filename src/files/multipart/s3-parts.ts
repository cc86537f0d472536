/** Lists the parts of an upload by R2's S3 API, since the binding cannot. */
import { boundedFetch } from '../../../actors/shared/bounded-fetch.ts'
import { logFault } from '../../../actors/shared/log.ts'
import type { Part } from '../../../actors/upload/rules.ts'
import { unavailable } from '../../http/problem.ts'
import { presign, type S3 } from '../s3.ts'

const LIST_MS = 10_000
const LIST_BYTES = 2 * 1024 * 1024
const LIST_TTL_MS = 5 * 60_000
/** R2 lists at most a thousand parts per page. */
const MAX_PAGES = 11

/** The parts that R2 holds of an upload (ListParts). @throws Problem 503 when R2 does not return them */
export async function listParts(s3: S3, key: string, uploadId: string, now: number): Promise<Part[]> {
  const parts: Part[] = []
  let marker = '0'
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { uploadId, 'part-number-marker': marker }
    const url = await presign(s3, { method: 'GET', key, query, now, expiresAt: now + LIST_TTL_MS })
    const answer = await boundedFetch(url, {}, { ms: LIST_MS, bytes: LIST_BYTES })
    if (answer.kind === 'lost' || answer.status !== 200 || answer.text === null) {
      const error = answer.kind === 'lost' ? answer.detail : `status ${answer.status}, or an unreadable body`
      logFault('s3', error, { call: 'ListParts' })
      throw unavailable(
        'storage_unavailable',
        'Storage did not list the parts of this upload; try again shortly.',
      )
    }
    parts.push(...partsIn(answer.text))
    const next = textOf(answer.text, 'NextPartNumberMarker')
    if (textOf(answer.text, 'IsTruncated') !== 'true' || next === null) break
    marker = next
  }
  return parts
}

/** The ETag of a part is the MD5 of its bytes (developers.cloudflare.com/r2/objects/multipart-objects). */
const MD5 = /^[0-9a-f]{32}$/

/** The answer is flat, so it can be read without an XML parser, which the runtime does not have. */
function partsIn(xml: string): Part[] {
  return [...xml.matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, part = '']) => {
    const etag = (textOf(part, 'ETag') ?? '').replaceAll('&quot;', '').replaceAll('"', '')
    const md5 = MD5.test(etag) ? etag : null
    return { number: Number(textOf(part, 'PartNumber')), etag, size: Number(textOf(part, 'Size')), md5 }
  })
}

function textOf(xml: string, tag: string): string | null {
  return new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1] ?? null
}
