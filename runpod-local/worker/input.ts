/** The job input from Exportal, validated once at the start of the handler. */
import * as v from 'valibot'
import { invalidParams } from './failure.ts'

const url = v.pipe(v.string(), v.regex(/^https?:\/\//, 'must be an http(s) URL'))

const Input = v.looseObject({
  job_id: v.string(),
  type: v.string(),
  params: v.optional(v.record(v.string(), v.unknown()), {}),
  input_url: url,
  /** Whether `input_url` is a URL of the creator, rather than a signed one of the service. */
  input_is_external: v.optional(v.boolean(), false),
  /** Maximum size of an input that the service accepts. */
  input_max_bytes: v.optional(v.pipe(v.number(), v.minValue(1))),
  assets: v.optional(v.record(v.string(), url), {}),
  output: v.looseObject({
    video_key: v.string(),
    content_type: v.string(),
    put_url: url,
    multipart_url: v.optional(url),
    poster_put_url: v.optional(url),
  }),
  callback_url: url,
  callback_token: v.string(),
  /** Set by services that accept reports over a WebSocket. */
  line_url: v.optional(v.pipe(v.string(), v.regex(/^wss?:\/\//, 'must be a ws(s) URL'))),
})

export type ExportInput = v.InferOutput<typeof Input>

/** The parsed input; throws a failure `invalid_params` that names the field. */
export function parseInput(input: unknown): ExportInput {
  return parse(Input, input, 'The job input is unusable')
}

/** Validates `value` by `schema`; throws `invalid_params` with `what` and the first invalid field. */
export function parse<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const [issue] = result.issues
  throw invalidParams(`${what}: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`)
}
