/** Conditional and range requests, decided without I/O (RFC 9110, sections 13 and 14). */
import parseRange from 'range-parser'
import { entityTags, tagIsListed } from '../../actors/shared/entity-tag.ts'
import { httpDateOf } from '../../actors/shared/http-date.ts'

/** Metadata of the stored representation, known before its content is read. */
export interface Validators {
  /** Quoted, as in the ETag header. */
  etag: string
  lastModified: Date
  size: number
}

export type Verdict =
  | { status: 200 }
  | { status: 206; offset: number; length: number }
  | { status: 304 }
  | { status: 412 }
  | { status: 416 }

/** The precedence of RFC 9110, 13.2.2: If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, Range. */
export function evaluateConditions(headers: Headers, now: Validators): Verdict {
  const match = headers.get('If-Match')
  const unmodified = httpDate(headers.get('If-Unmodified-Since'))
  if (match !== null) {
    if (!someStrongMatch(match, now.etag)) return { status: 412 }
  } else if (unmodified !== null && seconds(now.lastModified) > unmodified) return { status: 412 }

  const noneMatch = headers.get('If-None-Match')
  const modified = httpDate(headers.get('If-Modified-Since'))
  if (noneMatch !== null) {
    if (!noneMatches(noneMatch, now.etag)) return { status: 304 }
  } else if (modified !== null && seconds(now.lastModified) <= modified) return { status: 304 }

  const range = headers.get('Range')
  if (range === null || !ifRangeHolds(headers.get('If-Range'), now)) return { status: 200 }
  return evaluateRange(range, now.size)
}

/** Whether no entity tag of an If-None-Match matches; the comparison is weak (RFC 9110, 13.1.2). */
export function noneMatches(header: string, etag: string): boolean {
  return !tagIsListed(header, etag)
}

function someStrongMatch(header: string, etag: string): boolean {
  if (header.trim() === '*') return true
  return !etag.startsWith('W/') && entityTags(header).includes(etag)
}

/** True for a strong match or the exact date; otherwise the whole file is sent (RFC 9110, 13.1.5). */
function ifRangeHolds(header: string | null, now: Validators): boolean {
  if (header === null) return true
  const value = header.trim()
  if (value.startsWith('"') || value.startsWith('W/')) return value === now.etag && !value.startsWith('W/')
  return httpDate(value) === seconds(now.lastModified)
}

/**
 * One byte range, or the whole file: several ranges, other units and malformed ones may be ignored (RFC 9110, 14.2).
 */
function evaluateRange(header: string, size: number): Verdict {
  const normal = header.trim().replace(/^bytes\s*=/i, 'bytes=')
  const suffix = /^bytes=\s*-(\d+)\s*$/.exec(normal)
  // For the parser a suffix longer than the file is unsatisfiable; by RFC 9110, 14.1.2 it is the whole file.
  if (suffix && Number(suffix[1]) > size && size > 0) return { status: 206, offset: 0, length: size }
  const ranges = parseRange(size, normal)
  if (ranges === -2 || !normal.startsWith('bytes=')) return { status: 200 }
  if (normal.includes(',')) return { status: 200 }
  if (ranges === -1) return reversed(normal) ? { status: 200 } : { status: 416 }
  const [range] = ranges
  return range ? { status: 206, offset: range.start, length: range.end - range.start + 1 } : { status: 200 }
}

/** `5-2` is an invalid Range, which is ignored (RFC 9110, 14.1.1). */
function reversed(header: string): boolean {
  const match = /^bytes=\s*(\d+)\s*-\s*(\d+)\s*$/.exec(header)
  return match !== null && Number(match[1]) > Number(match[2])
}

/** Seconds since 1970; null when `text` is no HTTP date and therefore ignored. */
function httpDate(text: string | null): number | null {
  const ms = httpDateOf(text)
  return ms === null ? null : Math.floor(ms / 1000)
}

/** HTTP dates have no fractions of a second. */
function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
