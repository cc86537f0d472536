/** Parses values by schemas: the result is valid; errors identify each wrong field. */
import * as v from 'valibot'
import { cutText } from '../../actors/export-job/core/text.ts'
import type { FieldError } from '../../wire/problem.ts'
import { escapePointer } from './json-text.ts'
import { invalid } from './problem.ts'

const MAX_ERRORS = 20
const MAX_SHOWN = 60

export type Checked<T> = { ok: true; value: T } | { ok: false; errors: FieldError[] }

/** @param base JSON Pointer of where `input` stands in the request */
export function safeParse<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  base = '',
): Checked<v.InferOutput<S>> {
  const result = v.safeParse(schema, input)
  if (result.success) return { ok: true, value: result.output }
  return { ok: false, errors: result.issues.slice(0, MAX_ERRORS).map((issue) => fieldError(issue, base)) }
}

/** The schema's output for `input`. @throws Problem 400 naming each wrong field */
export function parse<S extends v.GenericSchema>(schema: S, input: unknown, base = ''): v.InferOutput<S> {
  const checked = safeParse(schema, input, base)
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
  // Messages of this code's schemas are sentences already; those of the library begin with this word.
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
  const shown = cutText(received, MAX_SHOWN, '…')
  return `Expected ${expected ?? 'another value'}, received ${shown}.`
}
