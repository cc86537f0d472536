/**
 * One outward HTTP call with a time limit and an answer size limit. The timer is always cleared: one left running
 * would keep the actor in memory.
 */
import * as v from 'valibot'

export type Answer =
  | { kind: 'answered'; status: number; headers: Headers; text: string }
  /** The answer did not come whole: refused, reset, timed out or too large. What the other side did is unknown. */
  | { kind: 'lost'; detail: string }

/**
 * Calls `url` and reads the whole answer as text. Never throws and never follows redirects.
 *
 * @param limits `ms` for the whole exchange, `bytes` for the answer's body
 */
export async function boundedFetch(
  url: string,
  init: RequestInit,
  limits: { ms: number; bytes: number },
): Promise<Answer> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), limits.ms)
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: controller.signal })
    const text = await boundedText(response, limits.bytes)
    if (text === null) return { kind: 'lost', detail: `The answer was larger than ${limits.bytes} bytes.` }
    return { kind: 'answered', status: response.status, headers: response.headers, text }
  } catch (error) {
    if (controller.signal.aborted) return { kind: 'lost', detail: `No answer within ${limits.ms / 1000} s.` }
    return { kind: 'lost', detail: error instanceof Error ? error.message : 'The connection failed.' }
  } finally {
    clearTimeout(timer)
  }
}

/** The body as text; null when it is larger than `limit` bytes, after giving up reading it. */
export async function boundedText(source: Request | Response, limit: number): Promise<string | null> {
  if (!source.body) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  const reader: ReadableStreamDefaultReader<Uint8Array> = source.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.byteLength
    if (size > limit) {
      await reader.cancel()
      return null
    }
    chunks.push(value)
  }
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return new TextDecoder().decode(whole)
}

/** Text as JSON of a given shape; null when it is not. */
export function parseAs<S extends v.GenericSchema>(schema: S, text: string): v.InferOutput<S> | null {
  try {
    const result = v.safeParse(schema, JSON.parse(text))
    return result.success ? result.output : null
  } catch {
    return null
  }
}
