/** Handles texts from external sources: cuts them between characters, and makes them well-formed Unicode. */

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
