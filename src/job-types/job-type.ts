/** What a job type is. Adding one is adding a file and naming it in index.ts. */
import type * as v from 'valibot'
import type { JsonObject } from '../../actors/export-job/core/job.ts'
import type { OpenObject } from '../schemas/job.ts'
import { type Checked, check } from '../validate.ts'
import { type Output, type StoredAs, storedAs } from './output.ts'

export interface JobType {
  readonly name: string
  /** One sentence for people who choose among the types. */
  readonly summary: string
  /** For documentation. */
  readonly schema: v.GenericSchema
  /** Params with every default filled in, the R2 keys they name, and how the result is stored. */
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
  /** Where the schema has several shapes: the one that is meant, so that errors speak of it alone. */
  shapeOf?: (params: OpenObject) => v.GenericSchema<unknown, v.InferOutput<S>>
  /** R2 keys that the params name; the worker gets a signed URL for each. */
  assets?: (params: v.InferOutput<S>) => string[]
}

export function jobType<S extends v.GenericSchema<unknown, Params>>(definition: Definition<S>): JobType {
  const { name, summary, schema, shapeOf, assets } = definition
  return {
    name,
    summary,
    schema,
    read(input) {
      const checked = check(shapeOf?.(input) ?? schema, input, '/params')
      if (!checked.ok) return checked
      const { value } = checked
      // Through text, so that what is hashed, stored and sent are the same: no undefined, no -0.
      const params: JsonObject = JSON.parse(JSON.stringify(value))
      const keys = [...new Set(assets?.(value) ?? [])]
      return { ok: true, value: { params, assets: keys, output: storedAs(value.output) } }
    },
  }
}
