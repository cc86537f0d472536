/** Parses queries by schemas, as bodies are: unknown names are ignored, invalid values are refused by name. */
import type * as v from 'valibot'
import type { FieldError } from '../../wire/problem.ts'
import { safeParse } from './parse.ts'
import { invalid } from './problem.ts'

type Entries = Record<string, v.GenericSchema>
type QuerySchema = v.GenericSchema & { readonly entries: Entries }

/** The schema's output for the query: all values of a list parameter, else the single one. @throws Problem 400 */
export function parseQuery<S extends QuerySchema>(schema: S, query: URLSearchParams): v.InferOutput<S> {
  const errors: FieldError[] = []
  const given = new Map<string, string | string[]>()
  for (const [name, entry] of Object.entries(schema.entries)) {
    const [first, ...others] = query.getAll(name)
    if (first === undefined) continue
    const list = isList(entry)
    given.set(name, list ? [first, ...others] : first)
    if (!list && others.length > 0)
      errors.push({ pointer: `/query/${name}`, detail: 'This may be given once.' })
  }
  const checked = safeParse(schema, Object.fromEntries(given), '/query')
  if (checked.ok && errors.length === 0) return checked.value
  throw invalid(checked.ok ? errors : [...errors, ...checked.errors])
}

function isList(schema: v.GenericSchema): boolean {
  if ('wrapped' in schema) return isSchema(schema.wrapped) && isList(schema.wrapped)
  return schema.type === 'array'
}

function isSchema(value: unknown): value is v.GenericSchema {
  return value !== null && typeof value === 'object' && 'kind' in value && value.kind === 'schema'
}
