/** Parses dates of HTTP headers, whose formats differ from the instants of this API. */

/** IMF-fixdate, and the two obsolete formats that a recipient must accept as well (RFC 9110, 5.6.7). */
const HTTP_DATE = [
  /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
]

/** Milliseconds since 1970; null for anything but an HTTP date. */
export function httpDateOf(text: string | null): number | null {
  const value = text?.trim() ?? ''
  if (!HTTP_DATE.some((form) => form.test(value))) return null
  // The asctime format has no zone, and means UTC.
  const ms = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`)
  return Number.isNaN(ms) ? null : ms
}
