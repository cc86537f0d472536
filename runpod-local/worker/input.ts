/** The job input that Exportal sends, checked once at the door of the handler. */
import * as v from 'valibot'
import { invalidParams } from './failure.ts'

const url = v.pipe(v.string(), v.regex(/^https?:\/\//, 'must be an http(s) URL'))

const Input = v.looseObject({
  job_id: v.string(),
  type: v.string(),
  params: v.optional(v.record(v.string(), v.unknown()), {}),
  input_url: url,
  assets: v.optional(v.record(v.string(), url), {}),
  output: v.looseObject({
    video_key: v.string(),
    content_type: v.string(),
    put_url: url,
    multipart_url: v.optional(url),
  }),
  callback_url: url,
  callback_token: v.string(),
})

export type ExportInput = v.InferOutput<typeof Input>

/** The input, or a failure `invalid_params` that names the field. */
export function parseInput(input: unknown): ExportInput {
  return parse(Input, input, 'The job input is unusable')
}

/** Holds `value` to `schema`; throws `invalid_params` with `what` and the first field that is wrong. */
export function parse<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const [issue] = result.issues
  throw invalidParams(`${what}: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`)
}
