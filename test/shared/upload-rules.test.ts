/** The rules of a multipart upload, as tables. */
import { describe, expect, it } from 'vitest'
import {
  ABANDONED_MS,
  abortFailed,
  admit,
  announcedAnew,
  checkParts,
  MAX_PART_BYTES,
  MAX_PARTS,
  type Phase,
  partSizeFor,
  plannedBytes,
  type UploadRequest,
  type UploadState,
  wakeAt,
} from '../../actors/upload/rules.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const T0 = Date.UTC(2100, 0, 1)
const HOUR = 60 * 60_000

function aRequest(over: Partial<UploadRequest> = {}): UploadRequest {
  return {
    key: 'input/a/clip.mp4',
    uploadId: 'u1',
    projectId: 1,
    jobId: null,
    contentType: 'video/mp4',
    sizeBytes: null,
    mostBytes: 100 * MIB,
    ...over,
  }
}

const anUpload = (phase: Phase, over: Partial<UploadRequest> = {}): UploadState => ({
  request: aRequest(over),
  createdAt: T0,
  phase,
})
const OPEN: Phase = { status: 'open', activeAt: T0 }
const COMPLETE: Phase = { status: 'complete', at: T0, size: 1, etag: '"x-1"' }
const ABORTING: Phase = { status: 'aborting', tries: 0, nextAt: T0 }

describe('partSizeFor', () => {
  it.each([
    [1, 8 * MIB],
    [100 * MIB, 8 * MIB],
    [4 * GIB, 8 * MIB],
    [20 * GIB, 21 * MIB],
    [100 * GIB, 64 * MIB],
    [MAX_PART_BYTES * MAX_PARTS, 64 * MIB],
  ])('of %d bytes is %d', (size, part) => {
    expect(partSizeFor(size)).toBe(part)
    expect(Math.ceil(size / part)).toBeLessThanOrEqual(MAX_PARTS)
  })

  it('keeps below what one PUT may carry, and above what R2 asks for', () => {
    expect(partSizeFor(4 * GIB, 6 * MIB)).toBe(6 * MIB)
    expect(partSizeFor(4 * GIB, 10)).toBe(5 * MIB)
  })
})

describe('admit', () => {
  it.each<[string, UploadState, number, number, string]>([
    ['a part that fits', anUpload(OPEN), 40 * MIB, 60 * MIB, 'ok'],
    ['one byte too many', anUpload(OPEN), 40 * MIB + 1, 60 * MIB, 'upload_too_large'],
    ['the announced size', anUpload(OPEN, { sizeBytes: 10 }), 4, 6, 'ok'],
    ['more than was announced', anUpload(OPEN, { sizeBytes: 10 }), 5, 6, 'upload_too_large'],
    ['a part of a complete upload', anUpload(COMPLETE), 1, 0, 'upload_complete'],
    ['a part of an aborted upload', anUpload(ABORTING), 1, 0, 'upload_not_found'],
  ])('%s', (_name, state, size, others, code) => {
    const answer = admit(state, 1, size, others)
    expect(answer.ok ? 'ok' : answer.code).toBe(code)
  })
})

describe('admit, of a part behind others of which nothing is known', () => {
  const state = anUpload(OPEN, { sizeBytes: 21 * MIB })

  it.each([
    [1, 21 * MIB, true],
    [2, 10 * MIB, true],
    [2, 11 * MIB, false],
    [3, 7 * MIB, true],
    [5, 1 * MIB, true],
    [5, 1 * MIB + 1, false],
    [6, 1, false],
  ])('takes number %i of %i bytes: %s, since none before it may be smaller', (number, size, ok) => {
    expect(admit(state, number, size, 0).ok).toBe(ok)
  })
})

describe('plannedBytes', () => {
  const planned = aRequest({ sizeBytes: 20 * MIB + 5, partBytes: 8 * MIB })

  it('make the announced size, part by part, and nothing beyond', () => {
    const sizes = [1, 2, 3, 4, MAX_PARTS].map((number) => plannedBytes(planned, number))
    expect(sizes).toEqual([8 * MIB, 8 * MIB, 4 * MIB + 5, 0, 0])
    expect(plannedBytes(aRequest({ sizeBytes: 16 * MIB, partBytes: 8 * MIB }), 3)).toBe(0)
  })

  it('are unknown without an announced size, and of an upload older than its plan', () => {
    expect(plannedBytes(aRequest({ partBytes: 8 * MIB }), 1)).toBeNull()
    expect(plannedBytes(aRequest({ sizeBytes: 5 }), 1)).toBeNull()
  })
})

describe('announcedAnew', () => {
  const announced = anUpload(OPEN, { sizeBytes: 10, partBytes: 8 })

  it('replaces another size, with the parts that belong to it', () => {
    expect(announcedAnew(announced, 12, 9)).toMatchObject({ sizeBytes: 12, partBytes: 9 })
    expect(announcedAnew(anUpload(OPEN), 12, 9)).toMatchObject({ sizeBytes: 12, partBytes: 9 })
  })

  it('changes nothing without a size, with the same one, or once the upload is over', () => {
    expect(announcedAnew(announced, null, 9)).toBeNull()
    expect(announcedAnew(announced, 10, 9)).toBeNull()
    expect(announcedAnew(anUpload(COMPLETE), 12, 9)).toBeNull()
    expect(announcedAnew(anUpload(ABORTING), 12, 9)).toBeNull()
  })
})

describe('checkParts', () => {
  const part = (number: number, size: number) => ({ number, size, etag: `e${number}`, md5: null })
  const parts = (...sizes: number[]) => sizes.map((size, index) => part(index + 1, size))
  const claim = (...numbers: number[]) => numbers.map((number) => ({ number, etag: `e${number}` }))

  it.each<
    [string, ReturnType<typeof parts>, { number: number; etag: string }[], Partial<UploadRequest>, string]
  >([
    ['one small part', parts(3), claim(1), {}, 'ok'],
    ['equal parts and a smaller last', parts(5 * MIB, 5 * MIB, 3), claim(1, 2, 3), {}, 'ok'],
    ['named in any order', parts(5 * MIB, 5 * MIB, 3), claim(3, 1, 2), {}, 'ok'],
    ['parts left over from another try', parts(5 * MIB, 3, 9), claim(1, 2), {}, 'ok'],
    ['the announced size', parts(5 * MIB, 3), claim(1, 2), { sizeBytes: 5 * MIB + 3 }, 'ok'],
    ['none', parts(3), [], {}, 'part_missing'],
    ['a gap', parts(5 * MIB, 5 * MIB, 3), claim(1, 3), {}, 'part_missing'],
    ['the first missing', parts(5 * MIB, 3), claim(2), {}, 'part_missing'],
    ['one twice', parts(5 * MIB, 3), claim(1, 1), {}, 'part_missing'],
    ['one never stored', parts(5 * MIB), claim(1, 2), {}, 'part_missing'],
    ['another ETag', parts(3), [{ number: 1, etag: 'x' }], {}, 'part_missing'],
    ['a small part before the last', parts(MIB, 3), claim(1, 2), {}, 'part_too_small'],
    ['unequal parts', parts(5 * MIB, 6 * MIB, 3), claim(1, 2, 3), {}, 'parts_unequal'],
    ['a last part larger than the others', parts(5 * MIB, 6 * MIB), claim(1, 2), {}, 'parts_unequal'],
    ['fewer bytes than announced', parts(3), claim(1), { sizeBytes: 4 }, 'size_mismatch'],
    ['more bytes than announced', parts(5), claim(1), { sizeBytes: 4 }, 'size_mismatch'],
    ['more than is allowed', parts(3), claim(1), { mostBytes: 2 }, 'upload_too_large'],
  ])('%s', (_name, stored, claimed, over, code) => {
    const verdict = checkParts(aRequest(over), stored, claimed)
    expect(verdict.ok ? 'ok' : verdict.code).toBe(code)
    if (!verdict.ok) expect(verdict.detail).toMatch(/\w.*\.$/)
    else expect(verdict.parts.map(({ number }) => number)).toEqual(verdict.parts.map((_, i) => i + 1))
  })
})

describe('wakeAt', () => {
  it('is when nobody may add to it any more, if that is earlier', () => {
    expect(wakeAt(anUpload(OPEN, { endsAt: T0 + HOUR }))).toBe(T0 + HOUR)
    expect(wakeAt(anUpload(OPEN, { endsAt: T0 + 48 * HOUR }))).toBe(T0 + ABANDONED_MS)
    expect(wakeAt(anUpload(COMPLETE, { endsAt: T0 + HOUR }))).toBe(T0 + 24 * HOUR)
  })

  it.each<[string, Phase, number]>([
    ['a day after the last sign of life', OPEN, T0 + ABANDONED_MS],
    ['a day after the end', COMPLETE, T0 + 24 * HOUR],
    ['at the next try', ABORTING, T0],
    ['a minute after a first failure', abortFailed(0, T0), T0 + 60_000],
    ['at most six hours after a later one', abortFailed(15, T0), T0 + 6 * HOUR],
  ])('%s', (_name, phase, at) => {
    expect(wakeAt(anUpload(phase))).toBe(at)
  })
})
