/** R2 keys: which ones this service uses, and their encoding in a path. */
import * as v from 'valibot'
import { INPUT_PREFIX, OUTPUT_PREFIX } from '../../actors/shared/owned-file.ts'
import { hasControls } from '../http/fields.ts'
import { Problem } from '../http/problem.ts'

/** R2's own limit. */
const MAX_KEY_BYTES = 1024
const MAX_NAME_CHARACTERS = 100

/** Why `key` must not be used, as a sentence; null when it may be. */
export function keyFault(key: string, prefixes: readonly string[]): string | null {
  if (!prefixes.some((prefix) => key.startsWith(prefix)))
    return `The key must start with ${prefixes.join(' or ')}.`
  if (new TextEncoder().encode(key).length > MAX_KEY_BYTES)
    return `The key may be at most ${MAX_KEY_BYTES} bytes.`
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
 * The decoded key of a path. An encoded slash would give one key two paths, and is refused.
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
 * A file name as the last segment of a key: directories are removed, letters and digits of any script kept, other
 * characters replaced. The extension is kept even when nothing is left of the name: `🎬.mp4` becomes `video.mp4`.
 */
export function safeName(filename: string): string {
  const base = filename.toWellFormed().normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  const clean = base
    .replace(/[^\p{L}\p{M}\p{N}._-]+/gu, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/[.-]+$/, '')
  const extension = /\.[\p{L}\p{N}]{1,10}$/u.exec(clean)?.[0] ?? ''
  const stem = clean.slice(0, clean.length - extension.length).replace(/^[.-]+/, '') || 'video'
  return [...stem].slice(0, MAX_NAME_CHARACTERS - [...extension].length).join('') + extension
}

function keyUnder(...prefixes: readonly string[]) {
  return v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      const fault = dataset.typed ? keyFault(dataset.value, prefixes) : null
      if (fault) addIssue({ message: fault })
    }),
  )
}

/** The R2 key of an upload. */
export const InputKey = keyUnder(INPUT_PREFIX)

/** The R2 key of a video to export: an upload, or the result of another job. */
export const SourceKey = keyUnder(INPUT_PREFIX, OUTPUT_PREFIX)
