/** One part of an upload: its length, number, signature and ETag, and failures of storage. */
import { describe, expect, it, vi } from 'vitest'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import { api, apiWith, bodyOf, problemOf, useHttpWorld } from '../../support/workerd/http.ts'
import {
  begin,
  beginInProject,
  bytesOf,
  companionFor,
  jsonInit,
  MIB,
  PART,
  PartsClient,
  putPart,
  smallPlan,
  withUpload,
} from '../../support/workerd/uploads.ts'

useHttpWorld()

const DAY = 24 * HOUR

describe('A part', () => {
  it('needs a Content-Length, and is what it says', async () => {
    const upload = await beginInProject()
    const path = await upload.sign(1)
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(bytesOf(3))
        controller.close()
      },
    })
    await problemOf(await api(path, { method: 'PUT', body }), 411, 'length_required')
    await problemOf(await putPart(path, bytesOf(3), { 'Content-Length': '4' }), 400, 'size_mismatch')
    await problemOf(await putPart(path, bytesOf(3), { 'Content-Length': '2' }), 400, 'size_mismatch')
    await problemOf(await putPart(path, bytesOf(0)), 400, 'empty_body')
    const large = String(64 * MIB + 1)
    await problemOf(await putPart(path, bytesOf(3), { 'Content-Length': large }), 413, 'part_too_large')
    expect(await bodyOf(await upload.list())).toEqual([])
  })

  it('keeps the whole below what was announced, and below what is allowed', async () => {
    const upload = await begin(await smallPlan(PART))
    await upload.send(1, bytesOf(PART))
    await problemOf(await putPart(await upload.sign(2), bytesOf(1)), 413, 'upload_too_large')
    const init = jsonInit({ filename: 'a.mp4', type: 'video/mp4' })
    const companion = await companionFor(7)
    const answer = await apiWith({ MAX_UPLOAD_BYTES: '10' }, `${companion}/s3/multipart`, init)
    const tiny = new PartsClient(companion, await bodyOf(answer))
    await tiny.send(1, bytesOf(6))
    await problemOf(await putPart(await tiny.sign(2), bytesOf(5)), 413, 'upload_too_large')
    expect((await putPart(await tiny.sign(1), bytesOf(10))).status).toBe(200)
  })

  it('is counted from the moment it is let in: parts that come at once do not add up to more', async () => {
    const upload = await begin(await smallPlan(PART))
    const paths = await Promise.all([1, 2, 3].map((number) => upload.sign(number)))
    const answers = await Promise.all(paths.map((path) => putPart(path, bytesOf(PART))))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 413, 413])
  })

  it('is checked against the checksum that comes with it, and sent again takes the damaged one’s place', async () => {
    const upload = await begin(await smallPlan(5))
    const put = async (bytes: string, headers: Record<string, string>) =>
      putPart(await upload.sign(1), new TextEncoder().encode(bytes), headers)
    const md5 = { 'Content-MD5': 'XUFAKrxLKna5cZ2REBfFkg==' }
    const sha256 = { 'x-amz-checksum-sha256': 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=' }
    await problemOf(await put('hellO', md5), 422, 'checksum_mismatch')
    await problemOf(await put('hellO', sha256), 422, 'checksum_mismatch')
    await problemOf(await put('hello', { ...md5, ...sha256 }), 400, 'invalid_checksum')
    expect((await put('hello', sha256)).status).toBe(200)
    const stored = await put('hello', md5)
    expect(await bodyOf(await upload.list())).toMatchObject([{ MD5: '5d41402abc4b2a76b9719d911017c592' }])
    expect((await upload.complete([stored.headers.get('ETag') ?? ''])).status).toBe(200)
  })

  it.each(['0', '10001', '-1', '1.5', 'x', '1e3'])('has no number %s', async (number) => {
    const upload = await beginInProject()
    await problemOf(await api(upload.path(`/${number}`)), 400, 'invalid_part_number')
  })

  it('shows its ETag to pages of other origins', async () => {
    const upload = await beginInProject()
    const origin = { Origin: 'http://localhost:3000' }
    const response = await putPart(await upload.sign(1), bytesOf(3), origin)
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(origin.Origin)
    expect(response.headers.get('Access-Control-Expose-Headers')).toContain('ETag')
    expect(response.headers.get('ETag')).toMatch(/^"[^"]+"$/)
  })

  it('is signed for an hour, again whenever asked, and never beyond its token', async () => {
    const upload = await beginInProject()
    const path = await upload.sign(1)
    vi.setSystemTime(T0 + HOUR)
    await problemOf(await putPart(path, bytesOf(3)), 403, 'signature_expired')
    expect((await putPart(await upload.sign(1), bytesOf(3))).status).toBe(200)
    vi.setSystemTime(T0 + DAY - 1000)
    const answer = await bodyOf<{ expires_at: string }>(await api(upload.path('/1')))
    expect(Date.parse(answer.expires_at)).toBe(T0 + DAY)
    vi.setSystemTime(T0 + DAY)
    await problemOf(await api(upload.path('/1')), 403, 'signature_expired')
  })

  it('is not lost when storage fails: 503, and the same URL works again', async () => {
    const upload = await beginInProject()
    const path = await upload.sign(1)
    const VIDEOS = withUpload({
      uploadPart: () => Promise.reject(new Error('uploadPart: internal error (10001)')),
    })
    const init = { method: 'PUT', body: 'abc', headers: { 'Content-Length': '3' } }
    const response = await apiWith({ VIDEOS }, path, init)
    expect(response.headers.has('Retry-After')).toBe(true)
    await problemOf(response, 503, 'storage_unavailable')
    expect((await putPart(path, bytesOf(3))).status).toBe(200)
  })
})

describe('Uppy’s small files', () => {
  it('are told to come in parts as well', async () => {
    const companion = await companionFor(7)
    await problemOf(await api(`${companion}/s3/params?filename=a&type=video/mp4`), 400, 'multipart_only')
  })
})
