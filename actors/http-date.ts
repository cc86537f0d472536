/** Dates of HTTP headers, which are no instants of this API: they have a form of their own. */

/** IMF-fixdate, and the two obsolete forms that a recipient must take as well (RFC 9110, 5.6.7). */
const HTTP_DATE = [
  /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
]

/** Milliseconds since 1970; null for what is no HTTP date. */
export function httpDateOf(text: string | null): number | null {
  const value = text?.trim() ?? ''
  if (!HTTP_DATE.some((form) => form.test(value))) return null
  // The asctime form names no zone, and means UTC.
  const ms = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`)
  return Number.isNaN(ms) ? null : ms
}
