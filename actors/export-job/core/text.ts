/** Texts of other people's making: cut without breaking a character, and Unicode whatever they were. */

/**
 * The first `most` characters of `text`, counted as code points, with U+FFFD in place of halves of surrogate pairs: a
 * text that ends in one is refused by strict JSON parsers, and takes the whole document along.
 *
 * @param end stands behind what was cut
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

/** A value of JSON as text, as far as it can be written; nothing stands for nothing. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value == null) return ''
  try {
    return JSON.stringify(value)
  } catch {
    // Nested deeper than the stack is.
    return ''
  }
}
