/** How long the other side asks us to wait. */

const HOUR = 60 * 60_000

/** Seconds or an HTTP date (RFC 9110, 10.2.3), at most `mostMs`; null when the header is missing or unreadable. */
export function retryAfterMs(headers: Headers, mostMs = HOUR): number | null {
  const value = headers.get('Retry-After')
  if (!value) return null
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), mostMs) : null
}
