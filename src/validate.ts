/** Values against schemas: what comes out is trusted, what is wrong is named field by field. */
import * as v from 'valibot'
import { cutText } from '../actors/export-job/core/text.ts'
import type { FieldError } from '../wire/problem.ts'
import { escapePointer } from './json-text.ts'
import { invalid } from './problem.ts'

const MOST_ERRORS = 20
const MOST_SHOWN = 60

export type Checked<T> = { ok: true; value: T } | { ok: false; errors: FieldError[] }

/** @param base JSON Pointer of where `input` stands in the request */
export function check<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  base = '',
): Checked<v.InferOutput<S>> {
  const result = v.safeParse(schema, input)
  if (result.success) return { ok: true, value: result.output }
  return { ok: false, errors: result.issues.slice(0, MOST_ERRORS).map((issue) => fieldError(issue, base)) }
}

/** The value the schema makes of `input`. @throws Problem 400 naming each wrong field */
export function demand<S extends v.GenericSchema>(schema: S, input: unknown, base = ''): v.InferOutput<S> {
  const checked = check(schema, input, base)
  if (!checked.ok) throw invalid(checked.errors)
  return checked.value
}

function fieldError(issue: v.BaseIssue<unknown>, base: string): FieldError {
  const path = issue.path?.map((item) => `/${escapePointer(String(item.key))}`).join('') ?? ''
  return { pointer: base + path, detail: sentence(issue) }
}

function sentence({ type, expected, received, requirement, input, message }: v.BaseIssue<unknown>): string {
  if (type === 'strict_object' && expected === 'never') return 'This field is not known.'
  if (received === 'undefined') return 'This field is required.'
  // A schema's own message is a sentence already; the library's begin like this.
  if (!message.startsWith('Invalid ')) return message
  const parts = Array.isArray(input) ? 'items' : 'characters'
  switch (type) {
    case 'min_length':
      return requirement === 1 ? 'This must not be empty.' : `This needs at least ${requirement} ${parts}.`
    case 'max_length':
      return `This may have at most ${requirement} ${parts}.`
    case 'min_value':
      return `This must be at least ${requirement}.`
    case 'gt_value':
      return `This must be above ${requirement}.`
    case 'max_value':
      return `This must be at most ${requirement}.`
  }
  const shown = cutText(received, MOST_SHOWN, '…')
  return `Expected ${expected ?? 'another value'}, received ${shown}.`
}
