/** What JSON text may hold before a schema sees it, and where broken text breaks. */
import type { FieldError } from '../wire/problem.ts'

const DEEPEST = 32
/** JSON says nothing of precision, and a double keeps no more (RFC 8259, 6): another number would be stored. */
const INEXACT = 'A whole number beyond 2^53 - 1 cannot be kept exactly; send it as text.'

/** A value and the way to it, which becomes a pointer only where something is wrong. */
interface Place {
  value: unknown
  key: string
  parent: Place | null
  depth: number
}

/**
 * What no schema should have to think of: nesting that exhausts a stack, `__proto__`, whole numbers that a double
 * does not keep, and strings that are not Unicode. Walks without recursion.
 *
 * @returns the first such place, or null
 */
export function unsafePlace(root: unknown): FieldError | null {
  const stack: Place[] = [{ value: root, key: '', parent: null, depth: 1 }]
  while (stack.length > 0) {
    const place = stack.pop()
    if (!place) break
    const { value, depth } = place
    if (typeof value === 'number' && !Number.isFinite(value)) return fault(place, 'The number is too large.')
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) return fault(place, INEXACT)
    if (typeof value === 'string' && !value.isWellFormed()) {
      return fault(place, 'The text holds half of a surrogate pair.')
    }
    if (value === null || typeof value !== 'object') continue
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

/** A reference token of a JSON Pointer (RFC 6901, section 3). */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | ':' | ', or end'

const SPACE = /[ \t\r\n]*/y
/** A control character must be escaped inside a string. */
const PLAIN = '[^"\\\\\\u0000-\\u001f]*'
const ESCAPE = '\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})'
const NUMBER = '-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?'
/** One token: punctuation, a string, a number or a word. */
const TOKEN = new RegExp(
  `([{}[\\]:,])|("${PLAIN}(?:${ESCAPE}${PLAIN})*")|(?:${NUMBER}|true|false|null)(?![\\w.+-])`,
  'y',
)

/** Offset of the first character that makes `text` no JSON (RFC 8259); its length when it ends too early. */
export function brokenAt(text: string): number {
  const open: string[] = []
  let expected: Expected = 'value'
  let at = skipSpace(text, 0)
  while (open.length > 0 || expected !== ', or end') {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    const next: Expected | null = match && step(expected, match[1], match[2] !== undefined, open)
    if (!match || !next) return at
    expected = next
    at = skipSpace(text, at + match[0].length)
  }
  return at
}

function skipSpace(text: string, from: number): number {
  SPACE.lastIndex = from
  return from + (SPACE.exec(text)?.[0].length ?? 0)
}

/** What may follow this token; null when it may not stand here. */
function step(
  expected: Expected,
  mark: string | undefined,
  string: boolean,
  open: string[],
): Expected | null {
  if (expected === 'name' || expected === 'name or }') {
    if (string) return ':'
    return expected === 'name or }' && mark === '}' ? close(open) : null
  }
  if (expected === ':') return mark === ':' ? 'value' : null
  if (expected === ', or end') {
    const inside = open.at(-1)
    if (mark === ',') return inside === '{' ? 'name' : 'value'
    return (mark === '}' && inside === '{') || (mark === ']' && inside === '[') ? close(open) : null
  }
  if (mark === undefined) return ', or end'
  if (mark === ']' && expected === 'value or ]') return close(open)
  if (mark !== '{' && mark !== '[') return null
  open.push(mark)
  return mark === '{' ? 'name or }' : 'value or ]'
}

function close(open: string[]): Expected {
  open.pop()
  return ', or end'
}
