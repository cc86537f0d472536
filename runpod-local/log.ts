/** One value of a log line. */
export type LogValue = string | number | boolean | null | undefined

/** Writes one line for one thing that happened. */
export type Log = (event: string, fields?: Record<string, LogValue>) => void

/**
 * Hides what may open a door: of every URL only scheme and host stay (a path or query may be signed), and what
 * follows `Bearer` goes.
 */
export function redact(text: string): string {
  return text
    .replace(/\b(https?:\/\/[^\s/?#"'<>]+)[/?#][^\s"'<>]*/g, '$1/…')
    .replace(/\b(bearer)\s+\S+/gi, '$1 …')
}

/** A log of `time event key=value …` lines, one each; values with spaces are quoted, secrets hidden. */
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
