import { describe, expect, test } from 'vitest'
import { type Failure, fileOf, remedyFor } from '../../web/src/video/remedy.ts'

/** An expired URL of a video that played, as Chromium reports it: a network error. */
const EXPIRED: Failure = { status: 403, worked: true, renewed: false, code: 2 }

describe('a player whose address expired', () => {
  test('gets a new one as often as that happens', () => {
    expect(remedyFor(EXPIRED)).toBe('renew')
    for (let hours = 0; hours < 3; hours++) expect(remedyFor({ ...EXPIRED, renewed: true })).toBe('renew')
    expect(remedyFor({ ...EXPIRED, worked: false })).toBe('renew')
  })

  test('is at its end when the new one never works, and says why', () => {
    const fresh = { ...EXPIRED, worked: false, renewed: true }
    expect([403, 401, 200, 503, null].map((status) => remedyFor({ ...fresh, status }))).toEqual([
      'refused',
      'refused',
      'unplayable',
      'unreachable',
      'unreachable',
    ])
  })

  test('is asked for nothing more of a file that is gone, or whose bytes came and are no video', () => {
    for (const status of [404, 410]) expect(remedyFor({ ...EXPIRED, status })).toBe('gone')
    expect(remedyFor({ ...EXPIRED, status: 200, code: 3 })).toBe('unplayable')
  })

  test('goes on after a broken line, for which the address is not to blame', () => {
    expect(remedyFor({ ...EXPIRED, status: 200 })).toBe('renew')
    expect(remedyFor({ ...EXPIRED, status: null })).toBe('renew')
  })
})

test('a file is the same under every signature of its address', () => {
  expect(fileOf('/api/videos/download/output/j/1-1.mp4?exp=1&sig=a')).toBe(
    '/api/videos/download/output/j/1-1.mp4',
  )
  expect(fileOf('blob:http://localhost/0192')).toBe('blob:http://localhost/0192')
})
