/** Definition of a job type. To add one, add a file and name it in index.ts. */
import type * as v from 'valibot'
import type { JsonObject } from '../../../actors/export-job/core/job.ts'
import { type Checked, safeParse } from '../../http/parse.ts'
import { type Output, type StoredAs, storedAs } from './output.ts'

/** An object of JSON values that are not validated. */
export type OpenObject = Record<string, unknown>

export interface JobType {
  readonly name: string
  /** One sentence that helps a person to choose among the types. */
  readonly summary: string
  /** The schema for documentation. */
  readonly schema: v.GenericSchema
  /** Parses the params: with every default filled in, the R2 keys they name, and how the result is stored. */
  read(params: OpenObject): Checked<ReadParams>
}

export interface ReadParams {
  params: JsonObject
  assets: string[]
  output: StoredAs
}

interface Params {
  output: v.InferOutput<typeof Output>
}

interface Definition<S extends v.GenericSchema<unknown, Params>> {
  name: string
  summary: string
  schema: S
  /** Selects one of the schema's shapes, so that errors refer to that shape alone. */
  shapeOf?: (params: OpenObject) => v.GenericSchema<unknown, v.InferOutput<S>>
  /** R2 keys in the params; the worker gets a signed URL for each. */
  assets?: (params: v.InferOutput<S>) => string[]
}

export function jobType<S extends v.GenericSchema<unknown, Params>>(definition: Definition<S>): JobType {
  const { name, summary, schema, shapeOf, assets } = definition
  return {
    name,
    summary,
    schema,
    read(input) {
      const checked = safeParse(shapeOf?.(input) ?? schema, input, '/params')
      if (!checked.ok) return checked
      const { value } = checked
      // Serialized first, so that the same value is hashed, stored and sent: without undefined and -0.
      const params: JsonObject = JSON.parse(JSON.stringify(value))
      const keys = [...new Set(assets?.(value) ?? [])]
      return { ok: true, value: { params, assets: keys, output: storedAs(value.output) } }
    },
  }
}
