/** Conditional and range requests, decided without I/O (RFC 9110, sections 13 and 14). */
import parseRange from 'range-parser'
import { httpDateOf } from '../actors/http-date.ts'

/** What is known of the stored representation before any of it is read. */
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
export function judge(headers: Headers, now: Validators): Verdict {
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
  return judgeRange(range, now.size)
}

/** True when no entity tag of an If-None-Match matches; compared weakly (RFC 9110, 13.1.2). */
export function noneMatches(header: string, etag: string): boolean {
  return !tagIsListed(header, etag)
}

/** Is `etag`, compared weakly, among the entity tags of this header? `*` lists every tag. */
export function tagIsListed(header: string, etag: string): boolean {
  return header.trim() === '*' || entityTags(header).some((tag) => opaque(tag) === opaque(etag))
}

function someStrongMatch(header: string, etag: string): boolean {
  if (header.trim() === '*') return true
  return !etag.startsWith('W/') && entityTags(header).includes(etag)
}

/** Commas may stand inside a tag, so the list cannot simply be split. */
function entityTags(header: string): string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? []
}

function opaque(tag: string): string {
  return tag.replace(/^W\//, '')
}

/** Strong comparison, or the exact date; anything else means the whole file (RFC 9110, 13.1.5). */
function ifRangeHolds(header: string | null, now: Validators): boolean {
  if (header === null) return true
  const value = header.trim()
  if (value.startsWith('"') || value.startsWith('W/')) return value === now.etag && !value.startsWith('W/')
  return httpDate(value) === seconds(now.lastModified)
}

/** One byte range, or the whole: several ranges, other units and malformed ones may be ignored (RFC 9110, 14.2). */
function judgeRange(header: string, size: number): Verdict {
  const normal = header.trim().replace(/^bytes\s*=/i, 'bytes=')
  const suffix = /^bytes=\s*-(\d+)\s*$/.exec(normal)
  // The parser calls a suffix longer than the file unsatisfiable; it means the whole file (RFC 9110, 14.1.2).
  if (suffix && Number(suffix[1]) > size && size > 0) return { status: 206, offset: 0, length: size }
  const ranges = parseRange(size, normal)
  if (ranges === -2 || !normal.startsWith('bytes=')) return { status: 200 }
  if (normal.includes(',')) return { status: 200 }
  if (ranges === -1) return reversed(normal) ? { status: 200 } : { status: 416 }
  const [range] = ranges
  return range ? { status: 206, offset: range.start, length: range.end - range.start + 1 } : { status: 200 }
}

/** `5-2` is not a range at all, and an invalid Range is ignored (RFC 9110, 14.1.1). */
function reversed(header: string): boolean {
  const match = /^bytes=\s*(\d+)\s*-\s*(\d+)\s*$/.exec(header)
  return match !== null && Number(match[1]) > Number(match[2])
}

/** Seconds since 1970; null for what is no HTTP date, which is then ignored. */
function httpDate(text: string | null): number | null {
  const ms = httpDateOf(text)
  return ms === null ? null : Math.floor(ms / 1000)
}

/** An HTTP date has no fractions. */
function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
