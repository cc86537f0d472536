/** GET /api/job-types: the types, described by the same schemas that validate them. */
import { toJsonSchema } from '@valibot/to-json-schema'
import { json } from '../http/exchange.ts'
import { JOB_TYPES } from './job-types/index.ts'

/** `{types: [{name, summary, params}]}`, where `params` is JSON Schema 2020-12 of the params in a request. */
export async function listJobTypes(): Promise<Response> {
  const types = [...JOB_TYPES.values()].map(({ name, summary, schema }) => ({
    name,
    summary,
    // JSON Schema cannot express the rules between fields; they are still checked.
    params: toJsonSchema(schema, { target: 'draft-2020-12', typeMode: 'input', errorMode: 'ignore' }),
  }))
  return json({ types }, 200, { 'Cache-Control': 'private, max-age=300' })
}
