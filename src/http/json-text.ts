/** Rejects JSON values that are unsafe to process, before a schema checks them. */
import type { FieldError } from '../../wire/problem.ts'

const DEEPEST = 32
/** JSON has no limit of precision, but a double does (RFC 8259, 6): a different number would be stored. */
const INEXACT = 'A whole number beyond 2^53 - 1 cannot be kept exactly; send it as text.'

/** A value and its path, which becomes a JSON Pointer only when the value is refused. */
interface Place {
  value: unknown
  key: string
  parent: Place | null
  depth: number
}

/**
 * Finds values that no schema should have to handle: nesting that exhausts a stack, `__proto__`, integers that a double
 * cannot represent exactly, strings that are not valid Unicode, and what RPC passes but JSON would lose. Walks without
 * recursion.
 *
 * @returns the first such place, or null
 */
export function unsafePlace(root: unknown): FieldError | null {
  const stack: Place[] = [{ value: root, key: '', parent: null, depth: 1 }]
  while (stack.length > 0) {
    const place = stack.pop()
    if (!place) break
    const { value, depth } = place
    if (Number.isNaN(value)) return fault(place, 'This is not a number.')
    if (typeof value === 'number' && !Number.isFinite(value)) return fault(place, 'The number is too large.')
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) return fault(place, INEXACT)
    if (typeof value === 'string' && !value.isWellFormed()) {
      return fault(place, 'The text holds half of a surrogate pair.')
    }
    if (value === null || typeof value !== 'object') continue
    if (value instanceof Map || value instanceof Set) return fault(place, 'JSON has no form for this.')
    if (depth > DEEPEST) return fault(place, `JSON may be nested ${DEEPEST} levels deep.`)
    for (const [key, inner] of Object.entries(value)) {
      const within = { value: inner, key, parent: place, depth: depth + 1 }
      if (key === '__proto__') return fault(within, 'This name may not be used.')
      if (!key.isWellFormed()) return fault(place, 'A name holds half of a surrogate pair.')
      stack.push(within)
    }
  }
  return null
}

function fault(place: Place, detail: string): FieldError {
  let pointer = ''
  for (let at = place; at.parent; at = at.parent) pointer = `/${escapePointer(at.key)}${pointer}`
  return { pointer, detail }
}

/** Encodes a reference token of a JSON Pointer (RFC 6901, section 3). */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
