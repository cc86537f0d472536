/** GET /api/job-types: what may be asked for, described by the very schemas that check it. */
import { toJsonSchema } from '@valibot/to-json-schema'
import { json } from '../http.ts'
import { JOB_TYPES } from '../job-types/index.ts'

/** `{types: [{name, summary, params}]}`, where `params` is JSON Schema 2020-12 of what a client sends. */
export async function listJobTypes(): Promise<Response> {
  const types = [...JOB_TYPES.values()].map(({ name, summary, schema }) => ({
    name,
    summary,
    // Rules between fields have no words in JSON Schema; they are still checked.
    params: toJsonSchema(schema, { target: 'draft-2020-12', typeMode: 'input', errorMode: 'ignore' }),
  }))
  return json({ types }, 200, { 'Cache-Control': 'private, max-age=300' })
}
