/** Bounded reading of JSON bodies: type, size, text and structure are checked before a schema sees the value. */
import { brokenAt, unsafePlace } from './json-text.ts'
import { invalid, Problem } from './problem.ts'

const JSON_TYPE = /^application\/(?:json|[\w.+-]+\+json)$/

/** For bodies that are there as a whole: it keeps nothing from one to the next (Encoding standard, TextDecoder.decode). */
const wholeTexts = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
const repairedTexts = new TextDecoder('utf-8', { fatal: false, ignoreBOM: false })

interface Limits {
  /** Most bytes of the body. */
  bytes: number
  /**
   * For what GPU workers and RunPod send: it cannot be sent again in another form, so any Content-Type will do, bytes
   * that are not UTF-8 are replaced, and the NaN and Infinity that Python writes are null.
   */
  repair?: boolean
}

/**
 * The body as JSON.
 *
 * @throws Problem 415 for another Content-Type or an encoded body, 413 as soon as it is too large, 400 when it is not
 * JSON (with the offset) or holds what no field may
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

/** A length that was announced bounds the body; one of unknown length is given up as soon as it is too large. */
async function readText(request: Request, limit: number, repair: boolean): Promise<string> {
  const announced = request.headers.get('Content-Length')
  if (announced === null) return readUpTo(request, limit, repair)
  if (Number(announced) > limit) throw tooLarge(limit)
  const bytes = await request.arrayBuffer()
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
    if (error instanceof TypeError) throw notText()
    throw error
  }
  await reader.cancel()
  throw tooLarge(limit)
}

function notText(): Problem {
  return new Problem(400, 'invalid_json', 'The body could not be read as UTF-8 text.')
}

function tooLarge(limit: number): Problem {
  return new Problem(413, 'body_too_large', `The body may be at most ${limit} bytes.`)
}

/** A string, which may say NaN, or a word that Python's `json` writes for a number that JSON does not have. */
const NO_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g

function withoutNaN(text: string): string {
  return text.replace(NO_NUMBERS, (token) => (token.startsWith('"') ? token : 'null'))
}

function parse(text: string, repair: boolean): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (repair && withoutNaN(text) !== text) return parse(withoutNaN(text), false)
    const at = brokenAt(text)
    const where =
      at >= text.length ? `it ends too early, after ${at} characters` : `it breaks at character ${at}`
    throw new Problem(400, 'invalid_json', `The body is not JSON: ${where}.`)
  }
}
