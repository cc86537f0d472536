/** R2 keys: which are ours to use, and how they travel in a path. */
import { Problem } from './problem.ts'

export const INPUT_PREFIX = 'input/'
export const OUTPUT_PREFIX = 'output/'

/** R2's own limit. */
const MOST_KEY_BYTES = 1024
const MOST_NAME_CHARACTERS = 100

/** Why `key` may not be used, as a sentence; null when it may. */
export function keyFault(key: string, prefixes: readonly string[]): string | null {
  if (!prefixes.some((prefix) => key.startsWith(prefix)))
    return `The key must start with ${prefixes.join(' or ')}.`
  if (new TextEncoder().encode(key).length > MOST_KEY_BYTES)
    return `The key may be at most ${MOST_KEY_BYTES} bytes.`
  if (hasControls(key) || key.includes('\\') || !key.isWellFormed()) {
    return 'The key must not hold control characters or backslashes.'
  }
  const parts = key.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    return 'The key must not hold empty parts, "." or "..".'
  }
  return null
}

/**
 * The key in a path, decoded. A part that hides a slash would make two paths of one key and is refused.
 *
 * @throws Problem 400
 */
export function keyInPath(encoded: string, prefixes: readonly string[]): string {
  const detail = 'The key in the path is not percent-encoded as it should be.'
  const problem = (why: string) =>
    new Problem(400, 'invalid_key', why, { errors: [{ pointer: '/path/key', detail: why }] })
  const parts = encoded.split('/').map((part) => {
    try {
      return decodeURIComponent(part)
    } catch {
      throw problem(detail)
    }
  })
  if (parts.some((part) => part.includes('/'))) throw problem(detail)
  const key = parts.join('/')
  const fault = keyFault(key, prefixes)
  if (fault) throw problem(fault)
  return key
}

/**
 * A file's name as the last part of a key: its directories dropped, letters and digits of any script kept, the rest
 * replaced. The extension stays, whatever becomes of the name before it: `🎬.mp4` is `video.mp4`.
 */
export function safeName(filename: string): string {
  const base = filename.toWellFormed().normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  const clean = base
    .replace(/[^\p{L}\p{M}\p{N}._-]+/gu, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/[.-]+$/, '')
  const extension = /\.[\p{L}\p{N}]{1,10}$/u.exec(clean)?.[0] ?? ''
  const stem = clean.slice(0, clean.length - extension.length).replace(/^[.-]+/, '') || 'video'
  return [...stem].slice(0, MOST_NAME_CHARACTERS - [...extension].length).join('') + extension
}

/** C0 controls, DEL and C1 controls. */
export function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
