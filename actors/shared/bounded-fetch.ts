/**
 * An outward HTTP call with a time limit and an answer size limit. The timer is always cleared: one left running would
 * keep the actor in memory.
 */
import * as v from 'valibot'
import { parseForeign } from '../export-job/core/text.ts'

export type Answer =
  /**
   * `text` is null when the body is incomplete: too large, too slow or broken off. The status is valid nevertheless.
   */
  { kind: 'answered'; status: number; headers: Headers; text: string | null } | Lost

export type Status = { kind: 'answered'; status: number; headers: Headers } | Lost

/** There was no status: refused, reset or timed out. Whether the request was processed is unknown. */
type Lost = { kind: 'lost'; detail: string }

/**
 * Calls `url` and reads the whole answer as text. Never throws and never follows redirects.
 *
 * @param limits `ms` for the whole exchange, `bytes` for the answer's body
 */
export function boundedFetch(
  url: string,
  init: RequestInit,
  { ms, bytes }: { ms: number; bytes: number },
): Promise<Answer> {
  return exchange(url, init, ms, async (response) => ({
    ...headOf(response),
    text: await boundedText(response, bytes).catch(() => null),
  }))
}

/**
 * For calls of which only the status is needed: the body is cancelled unread, so that it can neither delay nor fail the
 * call.
 */
export function fetchStatus(url: string, init: RequestInit, ms: number): Promise<Status> {
  return exchange(url, init, ms, async (response) => {
    // Rejects if the connection has broken in the meantime, which is irrelevant.
    response.body?.cancel().catch(() => {})
    return headOf(response)
  })
}

function headOf({ status, headers }: Response) {
  return { kind: 'answered', status, headers } as const
}

async function exchange<T>(
  url: string,
  init: RequestInit,
  ms: number,
  read: (response: Response) => Promise<T>,
): Promise<T | Lost> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), ms)
  try {
    return await read(await fetch(url, { ...init, redirect: 'manual', signal: controller.signal }))
  } catch (error) {
    if (controller.signal.aborted) return { kind: 'lost', detail: `No answer within ${ms / 1000} s.` }
    return { kind: 'lost', detail: error instanceof Error ? error.message : 'The connection failed.' }
  } finally {
    clearTimeout(timer)
  }
}

/** The body as text; null when it is larger than `limit` bytes, after cancelling it. */
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

/** Parses RunPod's JSON of a given shape, as `parseForeign` does; null for anything else, and for null. */
export function parseAs<S extends v.GenericSchema>(schema: S, text: string | null): v.InferOutput<S> | null {
  if (text === null) return null
  try {
    const result = v.safeParse(schema, parseForeign(text))
    return result.success ? result.output : null
  } catch {
    return null
  }
}
