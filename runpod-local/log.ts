/** One value of a log line. */
export type LogValue = string | number | boolean | null | undefined

/** Writes one line for one event. */
export type Log = (event: string, fields?: Record<string, LogValue>) => void

/**
 * Removes secrets: of every URL only scheme and host remain, since a path or query may be signed, and the token after
 * `Bearer` is removed.
 */
export function redact(text: string): string {
  return text
    .replace(/\b(https?:\/\/[^\s/?#"'<>]+)[/?#][^\s"'<>]*/g, '$1/…')
    .replace(/\b(bearer)\s+\S+/gi, '$1 …')
}

/** A log with lines of the form `time event key=value …`; values with spaces are quoted, secrets removed. */
export function createLog(write: (line: string) => void, now: () => number = Date.now): Log {
  return (event, fields = {}) => {
    const parts = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${format(value)}`)
    write([new Date(now()).toISOString(), event, ...parts].join(' '))
  }
}

function format(value: LogValue): string {
  if (typeof value !== 'string') return String(value)
  const safe = redact(value)
  return /^[^\s"=]+$/.test(safe) ? safe : JSON.stringify(safe)
}
