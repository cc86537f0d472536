/** Formats an instant (ms) for the API: RFC 3339, in UTC, with milliseconds. */
export function iso(at: number): string {
  return new Date(at).toISOString()
}
