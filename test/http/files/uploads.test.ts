import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { uploadPath } from '../../../actors/shared/signing.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  bodyOf,
  pathOf,
  post,
  problemOf,
  SECRET,
  useHttpWorld,
} from '../../support/workerd/http.ts'

useHttpWorld()

interface UploadUrl {
  upload_url: string
  video_key: string
  method: string
  headers: Record<string, string>
  expires_at: string
}

const upload = (over: Record<string, unknown> = {}) =>
  post('/api/videos/upload-url', { filename: 'clip.mp4', content_type: 'video/mp4', size_bytes: 5, ...over })

const put = (path: string, body: BodyInit | null = 'hello', headers: Record<string, string> = {}) =>
  api(path, {
    method: 'PUT',
    body,
    headers: { 'Content-Type': 'video/mp4', 'Content-Length': '5', ...headers },
  })

const freshKey = (name = 'a.mp4') => `input/${crypto.randomUUID()}/${name}`

const signed = (key: string, params: Record<string, string> = {}, expiresAt = T0 + HOUR) =>
  uploadPath(SECRET, key, params, expiresAt)

describe('POST /api/videos/upload-url', () => {
  it('gives out a URL that takes exactly the announced file', async () => {
    const answer = await bodyOf<UploadUrl>(await upload({ project_id: 7 }))
    expect(answer).toMatchObject({
      method: 'PUT',
      headers: { 'Content-Type': 'video/mp4' },
      size_bytes: 5,
    })
    expect(answer.upload_url).toMatch(/^https:\/\/exportal\.test\/api\/videos\/upload\/input\//)
    expect(answer.video_key).toMatch(/^input\/[0-9a-f-]{36}\/clip\.mp4$/)
    expect(Date.parse(answer.expires_at)).toBe(T0 + HOUR)
    const stored = await put(pathOf(answer.upload_url))
    const { key, size, etag } = await bodyOf<{ key: string; size: number; etag: string }>(stored, 201)
    expect([key, size, stored.headers.get('ETag')]).toEqual([answer.video_key, 5, etag])
    const object = await env.VIDEOS.get(key)
    expect(await object?.text()).toBe('hello')
    expect(object).toMatchObject({
      customMetadata: { project: '7' },
      httpMetadata: { contentType: 'video/mp4' },
    })
  })

  it('uses the request’s own origin in development without PUBLIC_URL', async () => {
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ filename: 'a.mp4', content_type: 'video/mp4', size_bytes: 5 }),
    }
    const response = await apiWith({ PUBLIC_URL: '' }, 'http://localhost:8787/api/videos/upload-url', init)
    expect((await bodyOf<UploadUrl>(response)).upload_url).toMatch(
      /^http:\/\/localhost:8787\/api\/videos\/upload\//,
    )
  })

  it.each([
    ['holiday video #1 (50%).mp4', 'holiday-video-1-50-.mp4'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\fakepath\\clip.mp4', 'clip.mp4'],
    ['Übung 视频.mov', 'Übung-视频.mov'],
    ['....mp4', 'video.mp4'],
    ['.mp4', 'video.mp4'],
    ['🎬.mp4', 'video.mp4'],
    ['🎬🎬/🎬 .webm', 'video.webm'],
    ['clip.mp4.', 'clip.mp4'],
    ['clip.mp4 ', 'clip.mp4'],
    ['"quoted".mp4', 'quoted-.mp4'],
    ['שלום.mov', 'שלום.mov'],
    ['...', 'video'],
    [`${'🎬'.repeat(120)}.mkv`, 'video.mkv'],
    [`${'𠮷'.repeat(120)}.mkv`, `${'𠮷'.repeat(96)}.mkv`],
    ['///', 'video'],
    ['??', 'video'],
    [`${'x'.repeat(200)}.webm`, `${'x'.repeat(95)}.webm`],
    ['a\u202egpj.mp4', 'a-gpj.mp4'],
  ])('makes a safe name of %s', async (filename, name) => {
    const { video_key } = await bodyOf<UploadUrl>(await upload({ filename }))
    expect(video_key.split('/').slice(2)).toEqual([name])
  })

  it.each(['video/mp4', 'VIDEO/MP4', 'video/webm;codecs=vp9', 'video/x-matroska', 'image/png', 'image/jpeg'])(
    'takes %s',
    async (content_type) => {
      const { headers } = await bodyOf<UploadUrl>(await upload({ content_type }))
      expect(headers['Content-Type']).toBe(content_type.split(';')[0]?.toLowerCase())
    },
  )

  it.each([
    'video/anything+xml',
    'video/svg+xml',
    'VIDEO/A+B',
    'image/svg+xml',
    'video/+xml',
    'text/html',
    'video/',
  ])('does not take %s', async (content_type) => {
    const { errors } = await problemOf(await upload({ content_type }), 400, 'validation_failed')
    expect(errors).toMatchObject([{ pointer: '/content_type' }])
  })

  it('has limits that the deployment sets', async () => {
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ filename: 'a.mp4', content_type: 'video/mp4', size_bytes: 11 }),
    }
    const path = '/api/videos/upload-url'
    const plan = await bodyOf<{ upload_url: string | null }>(
      await apiWith({ MAX_PUT_BYTES: '10' }, path, init),
    )
    expect(plan).toMatchObject({ upload_url: null, multipart: { part_count: 1 } })
    await problemOf(await apiWith({ MAX_UPLOAD_BYTES: '10' }, path, init), 413, 'upload_too_large')
    expect((await apiWith({ MAX_PUT_BYTES: 'many' }, path, init)).status).toBe(200)
  })

  it('never plans a part that could not be sent, however low the limit of one PUT is', async () => {
    const limits = { MAX_PUT_BYTES: '5242880', MAX_UPLOAD_BYTES: '999999999999' }
    const ask = (size_bytes: number) =>
      apiWith(limits, '/api/videos/upload-url', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ filename: 'a.mp4', content_type: 'video/mp4', size_bytes }),
      })
    const most = 5242880 * 10_000
    expect(await bodyOf(await ask(most))).toMatchObject({
      multipart: { part_size_bytes: 5242880, part_count: 10_000 },
    })
    await problemOf(await ask(most + 1), 413, 'upload_too_large')
  })
})

describe('PUT /api/videos/upload/:key', () => {
  it.each(['ü ber.mp4', 'a#b?c&d=e.mp4', '100%25.mp4', 'a+b.mp4', "it's (1).mp4", '视频.mp4', 'a%2Fb.mp4'])(
    'stores under the very key %s',
    async (name) => {
      const key = freshKey(name)
      expect((await bodyOf<{ key: string }>(await put(signed(key)), 201)).key).toBe(key)
      expect(await env.VIDEOS.head(key)).not.toBeNull()
    },
  )

  it('stores nothing of an output whose URL expires before its last byte', async () => {
    const key = `output/${crypto.randomUUID()}/1-1.mp4`
    const real = globalThis.setTimeout
    const soon = vi.spyOn(globalThis, 'setTimeout').mockImplementation((act) => real(act, 0))
    const halting = new ReadableStream({ start: (body) => body.enqueue(new TextEncoder().encode('he')) })
    await problemOf(await put(signed(key, {}, T0 + HOUR), halting), 403, 'signature_expired')
    expect(soon).toHaveBeenCalledWith(expect.any(Function), HOUR)
    expect(await env.VIDEOS.head(key)).toBeNull()
  })

  it('sets an input that has begun no deadline, however slow its line is', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    expect((await put(signed(freshKey()))).status).toBe(201)
    expect(timers).not.toHaveBeenCalled()
  })

  it('writes over an earlier file, unless it may be written only once', async () => {
    const key = freshKey()
    for (let i = 0; i < 2; i++) expect((await put(signed(key))).status).toBe(201)
    await problemOf(await put(signed(key, { once: '1' }), 'other'), 412, 'already_exists')
    await problemOf(await put(signed(key), 'other', { 'If-None-Match': '*' }), 412, 'already_exists')
    expect(await (await env.VIDEOS.get(key))?.text()).toBe('hello')
    expect((await put(signed(freshKey(), { once: '1' }))).status).toBe(201)
  })

  it('lets one of two writers win', async () => {
    const path = signed(freshKey(), { once: '1' })
    const answers = await Promise.all([put(path, 'first'), put(path, 'other')])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 412])
  })

  it('demands a Content-Length', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('hello'))
        controller.close()
      },
    })
    const init = { method: 'PUT', body, headers: { 'Content-Type': 'video/mp4' } }
    await problemOf(await api(signed(freshKey()), init), 411, 'length_required')
  })

  it.each([
    ['4', 400, 'size_mismatch'],
    ['6', 413, 'size_mismatch'],
    ['0', 400, 'size_mismatch'],
    ['-5', 411, 'length_required'],
    ['95000001', 413, 'body_too_large'],
  ])('refuses a Content-Length of %s where 5 bytes were announced', async (length, status, code) => {
    const key = freshKey()
    const path = signed(key, { size: '5' })
    await problemOf(await put(path, 'hello', { 'Content-Length': length }), status, code)
    expect(await env.VIDEOS.head(key)).toBeNull()
  })

  it('refuses what is larger than any upload may be, also where no size was announced', async () => {
    const key = `output/${crypto.randomUUID()}/1-1.mp4`
    const init = { method: 'PUT', body: 'hello', headers: { 'Content-Length': '5' } }
    await problemOf(await apiWith({ MAX_UPLOAD_BYTES: '4' }, signed(key), init), 413, 'upload_too_large')
    expect(await env.VIDEOS.head(key)).toBeNull()
  })

  it('refuses an empty file', async () => {
    await problemOf(await put(signed(freshKey()), '', { 'Content-Length': '0' }), 400, 'empty_body')
  })

  it.each(['abc', 'hello!!'])('stores nothing of a body that its Content-Length belies: %s', async (body) => {
    const key = freshKey()
    await problemOf(await put(signed(key), body), 400, 'size_mismatch')
    expect(await env.VIDEOS.head(key)).toBeNull()
  })

  it('refuses another type than was announced', async () => {
    const path = signed(freshKey(), { type: 'video/mp4' })
    const response = await put(path, 'hello', { 'Content-Type': 'text/html' })
    expect(response.headers.get('Accept')).toBe('video/mp4')
    await problemOf(response, 415, 'type_mismatch')
    expect((await put(path, 'hello', { 'Content-Type': 'Video/MP4; codecs=avc1' })).status).toBe(201)
  })

  it.each(['video/anything+xml', 'image/svg+xml', 'image/gif'])(
    'stores nothing as %s, not even by a URL that was signed for it',
    async (type) => {
      for (const limits of [{}, { type }]) {
        const key = freshKey()
        const sent = await put(signed(key, limits), 'hello', { 'Content-Type': type })
        await problemOf(sent, 415, 'unsupported_media_type')
        expect(await env.VIDEOS.head(key)).toBeNull()
      }
    },
  )

  it.each(['text/html', 'application/xhtml+xml', ''])(
    'does not believe %j that nobody announced',
    async (type) => {
      const key = freshKey()
      expect((await put(signed(key), 'hello', { 'Content-Type': type })).status).toBe(201)
      expect((await env.VIDEOS.head(key))?.httpMetadata?.contentType).toBe('application/octet-stream')
    },
  )

  it('checks Content-MD5 when there is one', async () => {
    const md5 = 'XUFAKrxLKna5cZ2REBfFkg=='
    expect((await put(signed(freshKey()), 'hello', { 'Content-MD5': md5 })).status).toBe(201)
    const key = freshKey()
    await problemOf(await put(signed(key), 'hellO', { 'Content-MD5': md5 }), 422, 'checksum_mismatch')
    expect(await env.VIDEOS.head(key)).toBeNull()
    await problemOf(await put(signed(key), 'hello', { 'Content-MD5': 'nonsense' }), 400, 'invalid_checksum')
  })

  it('checks x-amz-checksum-sha256 when there is one, and one checksum at most', async () => {
    const sha256 = 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='
    const headers = { 'x-amz-checksum-sha256': sha256 }
    expect((await put(signed(freshKey()), 'hello', headers)).status).toBe(201)
    await problemOf(await put(signed(freshKey()), 'hellO', headers), 422, 'checksum_mismatch')
    const both = { ...headers, 'Content-MD5': 'XUFAKrxLKna5cZ2REBfFkg==' }
    await problemOf(await put(signed(freshKey()), 'hello', both), 400, 'invalid_checksum')
    const wrong = { 'x-amz-checksum-sha256': 'abc' }
    await problemOf(await put(signed(freshKey()), 'hello', wrong), 400, 'invalid_checksum')
  })

  it('answers 503 while storage fails, and says when to try again', async () => {
    const VIDEOS = new Proxy(env.VIDEOS, {
      get: () => async () => {
        throw new Error('put: internal error (10001)')
      },
    })
    const init = { method: 'PUT', body: 'hello', headers: { 'Content-Length': '5' } }
    const response = await apiWith({ VIDEOS }, signed(freshKey()), init)
    expect(response.headers.has('Retry-After')).toBe(true)
    await problemOf(response, 503, 'storage_unavailable')
  })

  it('expires', async () => {
    const path = signed(freshKey())
    vi.setSystemTime(T0 + HOUR)
    await problemOf(await put(path), 403, 'signature_expired')
  })
})
