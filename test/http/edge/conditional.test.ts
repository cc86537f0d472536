/** RFC 9110, sections 13 and 14, row by row: first the decision alone, then over HTTP. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluateConditions } from '../../../src/http/conditional.ts'
import { api, downloadOf, textOf, useHttpWorld } from '../../support/workerd/http.ts'

const ETAG = '"abc"'
const MODIFIED = new Date('2026-01-02T03:04:05.678Z')
const AT = MODIFIED.toUTCString()
const BEFORE = new Date(MODIFIED.getTime() - 1000).toUTCString()
const AFTER = new Date(MODIFIED.getTime() + 1000).toUTCString()
const SIZE = 100

type Headers_ = Record<string, string>
type Answer = number | [offset: number, length: number]

const ROWS: [Headers_, Answer][] = [
  [{}, 200],
  // Ranges
  [{ Range: 'bytes=0-9' }, [0, 10]],
  [{ Range: 'bytes=0-0' }, [0, 1]],
  [{ Range: 'bytes=99-99' }, [99, 1]],
  [{ Range: 'bytes=90-' }, [90, 10]],
  [{ Range: 'bytes=0-' }, [0, 100]],
  [{ Range: 'bytes=90-1000' }, [90, 10]],
  [{ Range: 'bytes=0-99999999999999999999999' }, [0, 100]],
  [{ Range: 'bytes=-10' }, [90, 10]],
  [{ Range: 'bytes=-100' }, [0, 100]],
  [{ Range: 'bytes=-1000' }, [0, 100]],
  [{ Range: 'bytes=-0' }, 416],
  [{ Range: 'bytes=100-' }, 416],
  [{ Range: 'bytes=100-200' }, 416],
  [{ Range: 'bytes=99999999999999999999-' }, 416],
  [{ Range: 'BYTES=0-9' }, [0, 10]],
  [{ Range: 'bytes= 0-9' }, [0, 10]],
  // Ignored: malformed, reversed, other units, several
  [{ Range: 'bytes=9-5' }, 200],
  [{ Range: 'bytes=a-b' }, 200],
  [{ Range: 'bytes=' }, 200],
  [{ Range: 'bytes=-' }, 200],
  [{ Range: 'bytes' }, 200],
  [{ Range: 'bytes=1.5-2' }, 200],
  [{ Range: 'bytes=--5' }, 200],
  [{ Range: 'items=0-9' }, 200],
  [{ Range: '0-9' }, 200],
  [{ Range: 'bytes=0-1,5-6' }, 200],
  [{ Range: 'bytes=0-1,999-' }, 200],
  [{ Range: 'bytes=200-,300-' }, 200],
  // If-None-Match: weak comparison, lists, star
  [{ 'If-None-Match': ETAG }, 304],
  [{ 'If-None-Match': `W/${ETAG}` }, 304],
  [{ 'If-None-Match': '*' }, 304],
  [{ 'If-None-Match': '"x", "abc"' }, 304],
  [{ 'If-None-Match': '"x,y","abc"' }, 304],
  [{ 'If-None-Match': '"x"' }, 200],
  [{ 'If-None-Match': 'abc' }, 200],
  [{ 'If-None-Match': '' }, 200],
  // If-Modified-Since: whole seconds, ignored beside If-None-Match or when it is no date
  [{ 'If-Modified-Since': AT }, 304],
  [{ 'If-Modified-Since': AFTER }, 304],
  [{ 'If-Modified-Since': BEFORE }, 200],
  [{ 'If-Modified-Since': 'yesterday' }, 200],
  // Not an HTTP date, although a lenient parser accepts it as one
  [{ 'If-Modified-Since': '2099-01-01T00:00:00Z' }, 200],
  [{ 'If-Modified-Since': '4070908800000' }, 200],
  // The obsolete formats are valid (RFC 9110, 5.6.7)
  [{ 'If-Modified-Since': 'Friday, 01-Jan-49 00:00:00 GMT' }, 304],
  [{ 'If-Modified-Since': 'Fri Jan  1 00:00:00 2049' }, 304],
  [{ 'If-Unmodified-Since': 'Sun Nov  6 08:49:37 1994' }, 412],
  [{ 'If-Unmodified-Since': '1994-11-06' }, 200],
  [{ 'If-None-Match': '"x"', 'If-Modified-Since': AFTER }, 200],
  // If-Match: strong comparison
  [{ 'If-Match': ETAG }, 200],
  [{ 'If-Match': '*' }, 200],
  [{ 'If-Match': '"x", "abc"' }, 200],
  [{ 'If-Match': `W/${ETAG}` }, 412],
  [{ 'If-Match': '"x"' }, 412],
  // If-Unmodified-Since, ignored beside If-Match
  [{ 'If-Unmodified-Since': AT }, 200],
  [{ 'If-Unmodified-Since': BEFORE }, 412],
  [{ 'If-Unmodified-Since': 'soon' }, 200],
  [{ 'If-Match': ETAG, 'If-Unmodified-Since': BEFORE }, 200],
  // Precedence
  [{ 'If-Match': '"x"', 'If-None-Match': ETAG }, 412],
  [{ 'If-None-Match': ETAG, Range: 'bytes=0-9' }, 304],
  [{ 'If-Match': '"x"', Range: 'bytes=0-9' }, 412],
  [{ 'If-None-Match': ETAG, Range: 'bytes=500-' }, 304],
  // If-Range: strong tag or the exact date, else the whole file
  [{ 'If-Range': ETAG, Range: 'bytes=0-9' }, [0, 10]],
  [{ 'If-Range': `W/${ETAG}`, Range: 'bytes=0-9' }, 200],
  [{ 'If-Range': '"x"', Range: 'bytes=0-9' }, 200],
  [{ 'If-Range': AT, Range: 'bytes=0-9' }, [0, 10]],
  [{ 'If-Range': BEFORE, Range: 'bytes=0-9' }, 200],
  [{ 'If-Range': AFTER, Range: 'bytes=0-9' }, 200],
  [{ 'If-Range': 'nonsense', Range: 'bytes=0-9' }, 200],
  [{ 'If-Range': '"x"', Range: 'bytes=500-' }, 200],
  [{ 'If-Range': ETAG, Range: 'bytes=500-' }, 416],
  [{ 'If-Range': ETAG }, 200],
]

describe('judge', () => {
  it.each(ROWS)('%j', (headers, answer) => {
    const verdict = evaluateConditions(new Headers(headers), {
      etag: ETAG,
      lastModified: MODIFIED,
      size: SIZE,
    })
    expect(verdict).toEqual(
      typeof answer === 'number' ? { status: answer } : { status: 206, offset: answer[0], length: answer[1] },
    )
  })

  it.each([
    ['bytes=0-', 416],
    ['bytes=-5', 416],
    ['bytes=0-0', 416],
    ['nonsense', 200],
  ])('of an empty file: %s', (range, status) => {
    const verdict = evaluateConditions(new Headers({ Range: range }), {
      etag: ETAG,
      lastModified: MODIFIED,
      size: 0,
    })
    expect(verdict.status).toBe(status)
  })
})

describe('over HTTP the same rows hold', () => {
  useHttpWorld()
  const key = 'output/conditional/a.mp4'
  const body = Array.from({ length: SIZE }, (_, i) => String.fromCharCode(97 + (i % 26))).join('')
  let etag = ''
  let modified = 0
  beforeAll(async () => {
    const stored = await env.VIDEOS.put(key, body, { httpMetadata: { contentType: 'video/mp4' } })
    etag = stored.httpEtag
    modified = stored.uploaded.getTime()
  })

  /** The rows refer to another file; its tag and instants are replaced by those of this one. */
  const adapted = (headers: Headers_) =>
    Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        value
          .replaceAll(ETAG, etag)
          .replaceAll(AT, new Date(modified).toUTCString())
          .replaceAll(BEFORE, new Date(modified - 1000).toUTCString())
          .replaceAll(AFTER, new Date(modified + 1000).toUTCString()),
      ]),
    )

  it.each(ROWS.filter(([headers]) => !Object.values(headers).includes('')))('%j', async (headers, answer) => {
    const path = downloadOf(key)
    const response = await api(path, { headers: adapted(headers) })
    const status = typeof answer === 'number' ? answer : 206
    expect(response.status).toBe(status)
    const text = await textOf(response)
    if (status < 400) expect(response.headers.get('ETag')).toBe(etag)
    if (status === 416) expect(response.headers.get('Content-Range')).toBe(`bytes */${SIZE}`)
    if (status === 304) expect(text).toBe('')
    if (status === 200) expect(text).toBe(body)
    if (typeof answer === 'number') return
    const [offset, length] = answer
    expect(text).toBe(body.slice(offset, offset + length))
    expect(response.headers.get('Content-Range')).toBe(`bytes ${offset}-${offset + length - 1}/${SIZE}`)
    expect(response.headers.get('Content-Length')).toBe(String(length))
  })
})
