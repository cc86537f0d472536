/** Parses the header Retry-After. */
import { httpDateOf } from './http-date.ts'

const HOUR = 60 * 60_000

/** Seconds or an HTTP date (RFC 9110, 10.2.3), at most `mostMs`; null when the header is missing or unreadable. */
export function retryAfterMs(headers: Headers, mostMs = HOUR): number | null {
  const value = headers.get('Retry-After')
  if (!value) return null
  const date = httpDateOf(value)
  if (date !== null) return Math.min(Math.max(date - Date.now(), 0), mostMs)
  return /^\d+$/.test(value.trim()) ? Math.min(Number(value) * 1000, mostMs) : null
}
