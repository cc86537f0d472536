/**
 * With R2's S3 credentials the same JSON contains presigned URLs of R2: for one PUT, each part, and the list of parts.
 */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { companionPath } from '../../../actors/shared/upload-token.ts'
import { type Env, s3Of } from '../../../src/env.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import {
  apiWith,
  bindings,
  bodyOf,
  pathOf,
  problemOf,
  SECRET,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { signatureFault } from '../../support/workerd/sigv4.ts'
import { type Begun, type Listed, MIB, PART, PartsClient, type Plan } from '../../support/workerd/uploads.ts'

useHttpWorld()

const S3: Partial<Env> = {
  R2_ACCOUNT_ID: 'account',
  R2_ACCESS_KEY_ID: 'access-key',
  R2_SECRET_ACCESS_KEY: 'secret-key',
  R2_BUCKET: 'exportal-videos',
}

/** R2's answers to ListParts, by page, and the requests. */
const store = { pages: [] as string[], asked: [] as URL[], status: 200 }
beforeEach(() => {
  Object.assign(store, { pages: [], asked: [], status: 200 })
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    store.asked.push(new URL(String(input)))
    return new Response(store.pages[store.asked.length - 1] ?? '', { status: store.status })
  })
})

function page(parts: [number: number, etag: string, size: number][], next?: number): string {
  const listed = parts.map(
    ([number, etag, size]) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size></Part>`,
  )
  const more = next === undefined ? '<IsTruncated>false</IsTruncated>' : `<IsTruncated>true</IsTruncated>`
  const marker = `<NextPartNumberMarker>${next ?? 0}</NextPartNumberMarker>`
  return `<?xml version="1.0"?><ListPartsResult>${marker}${more}${listed.join('')}</ListPartsResult>`
}

function send(path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST'): Promise<Response> {
  const init = body === undefined ? {} : { body: JSON.stringify(body) }
  return apiWith(S3, path, { method, headers: { 'Content-Type': 'application/json' }, ...init })
}

async function plan(size_bytes: number): Promise<Plan> {
  const body = { filename: 'clip.mp4', content_type: 'video/mp4', size_bytes, project_id: 7 }
  return bodyOf<Plan>(await send('/api/videos/upload-url', body))
}

async function begun(size: number): Promise<PartsClient> {
  const { multipart } = await plan(size)
  const companion = pathOf(multipart?.companion_url ?? '')
  return new PartsClient(companion, await bodyOf<Begun>(await send(`${companion}/s3/multipart`, {})))
}

/** R2's error for a request to this URL. */
function fault(url: string, method: string, headers: Record<string, string> = {}): Promise<string | null> {
  const { host, pathname, search } = new URL(url)
  const named = Object.entries({ ...headers, host }).map(([name, value]) => [name.toLowerCase(), value])
  const arrived = { method, target: pathname + search, headers: Object.fromEntries(named) }
  return signatureFault(arrived, S3.R2_SECRET_ACCESS_KEY ?? '', Date.now())
}

describe('One PUT', () => {
  it('opens by the headers of the plan and the announced length, as every client sends it', async () => {
    const { upload_url, headers, method } = await plan(5)
    const url = upload_url ?? ''
    expect(await fault(url, method, { ...headers, 'Content-Length': '5' })).toBeNull()
    expect(await fault(url, method, { ...headers, 'Content-Length': '6' })).toBe('SignatureDoesNotMatch')
    expect(await fault(url, method, { 'Content-Length': '5' })).toBe('SignatureDoesNotMatch')
    expect(await fault(url, 'GET', { ...headers, 'Content-Length': '5' })).toBe('SignatureDoesNotMatch')
    vi.setSystemTime(Date.now() + HOUR + 1000)
    expect(await fault(url, method, { ...headers, 'Content-Length': '5' })).toBe('AccessDenied')
  })

  it('goes to R2, for this file, type, size and owner alone', async () => {
    const { upload_url, headers, video_key } = await plan(5)
    const url = new URL(upload_url ?? '')
    expect(url.origin + url.pathname).toBe(
      `https://account.r2.cloudflarestorage.com/exportal-videos/${video_key}`,
    )
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      'X-Amz-Credential': expect.stringMatching(/^access-key\/21000101\/auto\/s3\/aws4_request$/),
      'X-Amz-Expires': '3600',
      'X-Amz-SignedHeaders': 'content-length;content-type;host;x-amz-meta-project',
    })
    expect(headers).toEqual({ 'Content-Type': 'video/mp4', 'x-amz-meta-project': '7' })
  })

  it.each(['R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY', 'R2_BUCKET', 'R2_ACCOUNT_ID'])(
    'goes through the Worker without %s',
    async (name) => {
      const body = { filename: 'a.mp4', content_type: 'video/mp4', size_bytes: 5 }
      const init = {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }
      const answer = await apiWith({ ...S3, [name]: '' }, '/api/videos/upload-url', init)
      expect((await bodyOf<Plan>(answer)).upload_url).toMatch(
        /^https:\/\/exportal\.test\/api\/videos\/upload\//,
      )
    },
  )

  it('goes to another store when one is named', async () => {
    const over = { ...S3, R2_S3_ENDPOINT: 'https://account.eu.r2.cloudflarestorage.com/' }
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ filename: 'a.mp4', content_type: 'video/mp4', size_bytes: 5 }),
    }
    const { upload_url } = await bodyOf<Plan>(await apiWith(over, '/api/videos/upload-url', init))
    expect(upload_url).toMatch(/^https:\/\/account\.eu\.r2\.cloudflarestorage\.com\/exportal-videos\/input\//)
  })
})

describe('Parts', () => {
  it('go to R2, under the upload that the binding opened', async () => {
    const upload = await begun(200_000_000)
    const { url } = await bodyOf<{ url: string }>(await send(upload.path('/3')))
    const { origin, pathname, searchParams } = new URL(url)
    const length = { 'Content-Length': String(8 * MIB) }
    expect(await fault(url, 'PUT', length)).toBeNull()
    const another = url.replace('partNumber=3', 'partNumber=4')
    expect(await fault(another, 'PUT', length)).toBe('SignatureDoesNotMatch')
    expect(origin + pathname).toBe(`https://account.r2.cloudflarestorage.com/exportal-videos/${upload.key}`)
    expect([searchParams.get('partNumber'), searchParams.get('uploadId')]).toEqual(['3', upload.uploadId])
    expect(searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;host')
  })

  it('have the size of the plan and no other, and together what was announced', async () => {
    const size = 20 * MIB + 5
    const { multipart } = await plan(200_000_000)
    expect(multipart).toMatchObject({ part_size_bytes: 8 * MIB, part_count: 24 })
    const small = await apiWith({ ...S3, MAX_PUT_BYTES: '8388608' }, '/api/videos/upload-url', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ filename: 'a.mp4', content_type: 'video/mp4', size_bytes: size }),
    })
    const companion = pathOf((await bodyOf<Plan>(small)).multipart?.companion_url ?? '')
    const upload = new PartsClient(
      companion,
      await bodyOf<Begun>(await send(`${companion}/s3/multipart`, {})),
    )
    const signed = await Promise.all(
      [1, 2, 3].map(async (number) =>
        bodyOf<{ url: string; size_bytes: number }>(await send(upload.path(`/${number}`))),
      ),
    )
    expect(signed.map(({ size_bytes }) => size_bytes)).toEqual([8 * MIB, 8 * MIB, 4 * MIB + 5])
    const [{ url = '' } = {}] = signed
    for (const wrong of [8 * MIB + 1, 8 * MIB - 1, 5 * 1024 ** 3]) {
      const sent = { 'Content-Length': String(wrong) }
      expect(await fault(url, 'PUT', sent)).toBe('SignatureDoesNotMatch')
    }
    await problemOf(await send(upload.path('/4')), 413, 'upload_too_large')
  })

  it('of a file whose size nobody said pass the Worker, which counts', async () => {
    const { companion_url } = await bodyOf<{ companion_url: string }>(await send('/api/uploads', {}))
    const companion = pathOf(companion_url)
    const about = { filename: 'a.mp4', type: 'video/mp4' }
    const upload = new PartsClient(
      companion,
      await bodyOf<Begun>(await send(`${companion}/s3/multipart`, about)),
    )
    const { url, size_bytes } = await bodyOf<{ url: string; size_bytes: null }>(await send(upload.path('/1')))
    expect([new URL(url).origin, size_bytes]).toEqual(['https://exportal.test', null])
    const put = await apiWith(S3, pathOf(url), {
      method: 'PUT',
      body: 'abc',
      headers: { 'Content-Length': '3' },
    })
    expect(put.status).toBe(200)
  })

  it('go to R2 once the worker that makes the file says its size', async () => {
    const companion = pathOf(
      `https://exportal.test${companionPath(
        SECRET,
        {
          kind: 'file',
          key: `output/${crypto.randomUUID()}/1-1.mp4`,
          contentType: 'video/mp4',
          sizeBytes: null,
          projectId: 7,
          jobId: null,
        },
        T0 + HOUR,
      )}`,
    )
    const begun = await bodyOf<Begun>(await send(`${companion}/s3/multipart`, { size_bytes: 5 }))
    const { url } = await bodyOf<{ url: string }>(await send(new PartsClient(companion, begun).path('/1')))
    expect(await fault(url, 'PUT', { 'Content-Length': '5' })).toBeNull()
  })

  it('are listed by R2, page after page', async () => {
    const upload = await begun(200_000_000)
    const md5 = '5d41402abc4b2a76b9719d911017c592'
    store.pages = [page([[1, md5, 8 * MIB]], 1), page([[2, 'b', 5]])]
    expect(await bodyOf<Listed[]>(await send(upload.path()))).toEqual([
      { PartNumber: 1, ETag: md5, Size: 8 * MIB, MD5: md5 },
      { PartNumber: 2, ETag: 'b', Size: 5 },
    ])
    expect(store.asked.map((url) => url.searchParams.get('part-number-marker'))).toEqual(['0', '1'])
    expect(store.asked[0]?.searchParams.get('uploadId')).toBe(upload.uploadId)
  })

  it('become the file as R2 lists them, whatever the client says', async () => {
    const upload = await begun(200_000_000)
    const { etag } = await env.VIDEOS.resumeMultipartUpload(upload.key, upload.uploadId).uploadPart(1, 'x')
    store.pages = [page([[1, etag, PART]])]
    const parts = [{ PartNumber: 1, ETag: etag }]
    await problemOf(await send(upload.path('/complete'), { parts }), 400, 'size_mismatch')
    store.asked.length = 0
    store.pages = [page([[1, etag, 200_000_000]])]
    expect((await send(upload.path('/complete'), { parts })).status).toBe(200)
    expect((await send(upload.path('/complete'), { parts })).status).toBe(200)
    expect(store.asked).toHaveLength(1)
  })

  it('are unknown while R2 does not answer: 503', async () => {
    const upload = await begun(200_000_000)
    store.status = 500
    await problemOf(await send(upload.path()), 503, 'storage_unavailable')
  })
})

it('R2’s settings may have been pasted with line breaks', () => {
  const pasted = Object.fromEntries(Object.entries(S3).map(([name, value]) => [name, ` ${value}\n`]))
  expect(s3Of({ ...bindings(), ...pasted })).toEqual(s3Of({ ...bindings(), ...S3 }))
})
