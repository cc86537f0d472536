import type { FieldError } from './problem.ts'

/** A whole number of at least `least` from the query; null when it is absent, or wrong and noted in `errors`. */
export function wholeNumber(
  query: URLSearchParams,
  name: string,
  least: number,
  errors: FieldError[],
): number | null {
  const text = query.get(name)
  if (text === null) return null
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
  errors.push({ pointer: `/query/${name}`, detail: `This must be a whole number of at least ${least}.` })
  return null
}
