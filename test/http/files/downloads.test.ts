import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { api, apiWith, downloadOf, problemOf, textOf, useHttpWorld } from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

useHttpWorld()

async function stored(name = 'a.mp4', contentType = 'video/mp4', body = 'hello'): Promise<string> {
  const key = `output/${crypto.randomUUID()}/${name}`
  await env.VIDEOS.put(key, body, { httpMetadata: { contentType } })
  return key
}

describe('GET /api/videos/download/:key', () => {
  it('streams the file with everything a player needs', async () => {
    const key = await stored()
    const response = await api(downloadOf(key))
    expect(await textOf(response)).toBe('hello')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': '5',
      'content-disposition': 'attachment; filename=a.mp4',
      'accept-ranges': 'bytes',
      'cache-control': expect.stringContaining('private'),
      etag: expect.stringMatching(/^"[0-9a-f]+"$/),
      'last-modified': expect.stringMatching(/ GMT$/),
    })
  })

  it('answers HEAD with the same headers and no body', async () => {
    const path = downloadOf(await stored())
    const [get, head] = [await api(path), await api(path, { method: 'HEAD' })]
    const without = (response: Response) => {
      const { 'x-request-id': _, ...rest } = Object.fromEntries(response.headers)
      return rest
    }
    expect([head.status, await textOf(head)]).toEqual([200, ''])
    expect(without(head)).toEqual(without(get))
    const ranged = await api(path, { method: 'HEAD', headers: { Range: 'bytes=0-1' } })
    expect([ranged.status, ranged.headers.get('Content-Length')]).toEqual([200, '5'])
    const known = { 'If-None-Match': get.headers.get('ETag') ?? '' }
    expect((await api(path, { method: 'HEAD', headers: known })).status).toBe(304)
  })

  it('a 304 has no body headers', async () => {
    const path = downloadOf(await stored())
    const response = await api(path, { headers: { 'If-None-Match': '*' } })
    expect(response.status).toBe(304)
    for (const name of ['Content-Type', 'Content-Length', 'Content-Disposition', 'Content-Range']) {
      expect(response.headers.has(name)).toBe(false)
    }
    for (const name of ['ETag', 'Last-Modified', 'Cache-Control'])
      expect(response.headers.has(name)).toBe(true)
  })

  it.each([
    ['my clip.mp4', 'attachment; filename="my clip.mp4"'],
    ['a"b.mp4', 'attachment; filename="a\\"b.mp4"'],
    ['视频 100%.mp4', `attachment; filename="?? 100%.mp4"; filename*=UTF-8''%E8%A7%86%E9%A2%91%20100%25.mp4`],
    ['a#b;c.mp4', 'attachment; filename="a#b;c.mp4"'],
  ])('names the file %s safely', async (name, disposition) => {
    const response = await api(downloadOf(await stored(name)))
    expect([response.status, await textOf(response)]).toEqual([200, 'hello'])
    expect(response.headers.get('Content-Disposition')).toBe(disposition)
  })

  it.each(['ü ber.mp4', 'a#b?c&d=e.mp4', '100%25.mp4', 'a+b.mp4', "it's (1)!.mp4", 'a:b@c,d.mp4', '~.mp4'])(
    'finds the key %s',
    async (name) => {
      expect((await api(downloadOf(await stored(name)))).status).toBe(200)
    },
  )

  it.each(['video/mp4', 'Video/WebM', 'video/quicktime', 'video/x-matroska', 'image/png', 'image/jpeg'])(
    'shows %s inline when asked',
    async (type) => {
      const response = await api(`${downloadOf(await stored('a', type))}&inline=1`)
      expect(response.headers.get('Content-Disposition')).toBe('inline; filename=a')
    },
  )

  it.each([
    'text/html',
    'image/svg+xml',
    'application/pdf',
    'video/anything+xml',
    'video/svg+xml',
    'video/html',
    'audio/x+xml',
    'image/pngx',
    'video/mp4, text/html',
  ])('never shows %s, which could run as a page', async (type) => {
    const response = await api(`${downloadOf(await stored('a', type))}&inline=1`)
    expect(response.headers.get('Content-Disposition')).toBe('attachment; filename=a')
  })

  it('sends no parameters with a type that is shown', async () => {
    const response = await api(`${downloadOf(await stored('a', 'video/mp4;x=1, text/html'))}&inline=1`)
    expect(response.headers.get('Content-Type')).toBe('video/mp4')
  })

  it('lets nothing run in any answer, whatever its status', async () => {
    const path = downloadOf(await stored('a.html', 'text/html'))
    const answers = [
      await api(path),
      await api(path, { method: 'HEAD' }),
      await api(`${path}&inline=1`),
      await api(path, { headers: { Range: 'bytes=0-1' } }),
      await api(path, { headers: { 'If-None-Match': '*' } }),
      await api(path, { headers: { Range: 'bytes=99-' } }),
      await api(path, { headers: { 'If-Match': '"x"' } }),
      await api(downloadOf('output/none/a.mp4')),
      await api(`${path}x`),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 206, 304, 416, 412, 404, 403])
    for (const { headers, status } of answers) {
      expect([status, headers.get('Content-Security-Policy'), headers.get('X-Content-Type-Options')]).toEqual(
        [status, "sandbox; default-src 'none'", 'nosniff'],
      )
    }
  })

  it('answers 404 for a file that is not there, by GET and HEAD', async () => {
    await problemOf(await api(downloadOf('output/none/a.mp4')), 404, 'video_not_found')
    const head = await api(downloadOf('output/none/a.mp4'), { method: 'HEAD' })
    expect([head.status, await textOf(head)]).toEqual([404, ''])
  })

  it('never mixes two versions of a file that is replaced while it is read', async () => {
    const key = await stored('a.mp4', 'video/mp4', 'first version')
    let looks = 0
    const VIDEOS = new Proxy(env.VIDEOS, {
      get: (bucket, name) => {
        if (name === 'get') return bucket.get.bind(bucket)
        return async (asked: string) => {
          const object = await bucket.head(asked)
          looks += 1
          if (looks === 1) await bucket.put(key, 'second')
          return object
        }
      },
    })
    const response = await apiWith({ VIDEOS }, downloadOf(key))
    expect([response.headers.get('Content-Length'), await textOf(response), looks]).toEqual([
      '6',
      'second',
      2,
    ])
  })

  it('answers 503 while storage fails', async () => {
    const VIDEOS = new Proxy(env.VIDEOS, {
      get: () => async () => {
        throw new Error('internal error')
      },
    })
    await problemOf(await apiWith({ VIDEOS }, downloadOf('output/x/a.mp4')), 503, 'storage_unavailable')
  })
})

describe('Without a signature', () => {
  it('is kept no longer than its link holds, and asked about each time where a token opened it', async () => {
    const key = await stored()
    const cacheControl = async (path: string, headers: Record<string, string> = {}) =>
      (await api(path, { headers })).headers.get('Cache-Control')
    expect(await cacheControl(downloadOf(key))).toBe('private, max-age=600')
    const seconds = /^private, max-age=(\d+)$/.exec(
      (await cacheControl(downloadOf(key, { until: Date.now() + 90_000 }))) ?? '',
    )
    expect(Number(seconds?.[1])).toBeGreaterThan(80)
    expect(Number(seconds?.[1])).toBeLessThanOrEqual(91)
    // Browsers keep an answer by its address alone: it would be shown under any other token, and after this one's end.
    const path = downloadOf(key).split('?')[0] ?? ''
    const headers = bearer(await tokenOf({ scopes: ['jobs:read'] }))
    expect(await cacheControl(path, headers)).toBe('private, no-cache')
    expect(await cacheControl(path, { ...headers, 'If-None-Match': '*' })).toBe('private, no-cache')
    expect(await cacheControl(path)).toBe('private, no-cache')
  })

  it('the developer on this computer may read, and no page of another site in his place', async () => {
    const path = downloadOf(await stored()).split('?')[0] ?? ''
    expect(await textOf(await api(path))).toBe('hello')
    await problemOf(await api(path, { headers: { Origin: 'https://evil.example' } }), 401, 'unauthorized')
    await problemOf(await api(`https://exportal.test${path}`), 401, 'signature_missing')
  })
})
