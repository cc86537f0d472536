/** Queries against schemas, as bodies are: names that are not known are left alone, wrong ones are named. */
import type * as v from 'valibot'
import type { FieldError } from '../wire/problem.ts'
import { invalid } from './problem.ts'
import { check } from './validate.ts'

type Entries = Record<string, v.GenericSchema>
type QuerySchema = v.GenericSchema & { readonly entries: Entries }

/** What the schema makes of the query: of a list every text that is given, else the one. @throws Problem 400 */
export function demandQuery<S extends QuerySchema>(schema: S, query: URLSearchParams): v.InferOutput<S> {
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
  const checked = check(schema, Object.fromEntries(given), '/query')
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
