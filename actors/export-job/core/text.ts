/**
 * Handles texts from external sources: cuts them between characters, makes them well-formed Unicode, and parses JSON as
 * Python writes it.
 */

/**
 * The first `most` characters of `text`, counted as code points, with U+FFFD in place of halves of surrogate pairs:
 * strict JSON parsers reject a document that contains one.
 *
 * @param end appended to a cut text
 */
export function cutText(text: string, most: number, end = ''): string {
  const whole = text.toWellFormed()
  if (whole.length <= most) return whole
  let characters = 0
  let units = 0
  for (const character of whole) {
    if (characters === most) return whole.slice(0, units) + end
    characters += 1
    units += character.length
  }
  return whole
}

/** A value of JSON as text; empty for null and for values that cannot be serialised. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value == null) return ''
  try {
    return JSON.stringify(value)
  } catch {
    // Nested more deeply than the stack allows.
    return ''
  }
}

/**
 * Matches a string, which may contain "NaN", or a word that Python's `json` writes for a number that JSON does not
 * have.
 */
const NO_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g

/**
 * Parses JSON of GPU workers and RunPod, with null in place of the NaN and Infinity of Python's `json`: a number that
 * nobody needs must not cost the report it stands in.
 *
 * @throws SyntaxError
 */
export function parseForeign(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // Other texts are no JSON at all: hostile ones are large and many.
    if (!text.includes('NaN') && !text.includes('Infinity')) throw error
    return JSON.parse(text.replace(NO_NUMBERS, (token) => (token.startsWith('"') ? token : 'null')))
  }
}
