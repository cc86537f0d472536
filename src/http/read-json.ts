/** Bounded reading of JSON bodies: type, size, encoding and structure are checked before a schema is applied. */
import { parseForeign } from '../../actors/export-job/core/text.ts'
import { unsafePlace } from './json-text.ts'
import { invalid, Problem } from './problem.ts'

const JSON_TYPE = /^application\/(?:json|[\w.+-]+\+json)$/

/**
 * Shared decoder for complete bodies: without `stream` it keeps no state between calls (Encoding standard,
 * TextDecoder.decode).
 */
const wholeTexts = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
const repairedTexts = new TextDecoder('utf-8', { fatal: false, ignoreBOM: false })

interface Limits {
  /** Maximum size of the body. */
  bytes: number
  /**
   * For GPU workers and RunPod, which cannot send their body again in another form: any Content-Type is accepted,
   * invalid UTF-8 is replaced, and the NaN and Infinity of Python's `json` become null.
   */
  repair?: boolean
}

/**
 * The parsed JSON body.
 *
 * @throws Problem 415 for another Content-Type or an encoded body, 413 as soon as it is too large, 400 when it is not
 *   JSON or contains an unsafe value
 */
export async function readJson(request: Request, limits: Limits): Promise<unknown> {
  const repair = limits.repair === true
  if (!repair) requireJson(request)
  const text = await readText(request, limits.bytes, repair)
  const value = parse(text, repair)
  if (repair) return value
  const unsafe = unsafePlace(value)
  if (unsafe) throw invalid([unsafe])
  return value
}

/**
 * A value received by RPC as it would be by HTTP: without dates and undefined, and within the same limits.
 *
 * @throws Problem 400 or 413 as `readJson` does
 */
export function asJson(given: unknown, { bytes }: Limits): unknown {
  let text: string | undefined
  try {
    text = JSON.stringify(given)
  } catch {
    // A circular reference, or a bigint.
  }
  if (text === undefined) throw new Problem(400, 'invalid_json', 'This cannot be written as JSON.')
  if (new TextEncoder().encode(text).byteLength > bytes) throw tooLarge(bytes)
  // Before the conversion, which stores null for NaN and nothing of a Map.
  const unsafe = unsafePlace(given)
  if (unsafe) throw invalid([unsafe])
  return parse(text, false)
}

/** Type and subtype of a Content-Type, without parameters and in lower case (RFC 9110, 8.3.1). */
export function mediaType(header: string | null): string {
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

function requireJson(request: Request): void {
  const encoding = request.headers.get('Content-Encoding')
  if (!JSON_TYPE.test(mediaType(request.headers.get('Content-Type')))) {
    throw new Problem(415, 'unsupported_media_type', 'Send the body as Content-Type: application/json.', {
      headers: { Accept: 'application/json' },
    })
  }
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw new Problem(415, 'unsupported_encoding', 'Send the body without Content-Encoding.', {
      headers: { 'Accept-Encoding': 'identity' },
    })
  }
}

/** A Content-Length is checked first; without one, reading stops as soon as the body is too large. */
async function readText(request: Request, limit: number, repair: boolean): Promise<string> {
  const announced = request.headers.get('Content-Length')
  if (announced === null) return readUpTo(request, limit, repair)
  if (Number(announced) > limit) throw tooLarge(limit)
  const bytes = await request.arrayBuffer().catch(() => {
    throw cutOff()
  })
  if (bytes.byteLength > limit) throw tooLarge(limit)
  try {
    return (repair ? repairedTexts : wholeTexts).decode(bytes)
  } catch {
    throw notText()
  }
}

async function readUpTo(request: Request, limit: number, repair: boolean): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: !repair, ignoreBOM: false })
  let text = ''
  let size = 0
  if (!request.body) return text
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text + decoder.decode()
      size += value.byteLength
      if (size > limit) break
      text += decoder.decode(value, { stream: true })
    }
  } catch (error) {
    throw error instanceof TypeError ? notText() : cutOff()
  }
  await reader.cancel()
  throw tooLarge(limit)
}

function notText(): Problem {
  return new Problem(400, 'invalid_json', 'The body could not be read as UTF-8 text.')
}

/** The client has disconnected, so that only the log contains this answer. */
function cutOff(): Problem {
  return new Problem(400, 'invalid_json', 'The body broke off before its end.')
}

function tooLarge(limit: number): Problem {
  return new Problem(413, 'body_too_large', `The body may be at most ${limit} bytes.`)
}

function parse(text: string, repair: boolean): unknown {
  try {
    return repair ? parseForeign(text) : JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? `: ${error.message.toWellFormed()}` : ''
    throw new Problem(400, 'invalid_json', `The body is not JSON${why}.`)
  }
}
