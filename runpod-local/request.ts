/** Parses a request: its JSON body within a limit, and the job request in it. */
import type { IncomingMessage } from 'node:http'
import * as v from 'valibot'
import { isObject, type JobRequest, type JsonObject } from './job.ts'

/** An answer other than 200. The body has FastAPI's form, `{"detail": …}`, as observed in the cloud. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, detail: string) {
    super(detail)
    this.status = status
  }
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Bounds and defaults of `policy`, ms (runpod/docs, send-requests and endpoint-configurations). */
const POLICY = {
  executionTimeout: { standard: 10 * MINUTE, least: 5_000, most: 7 * DAY },
  ttl: { standard: DAY, least: 10_000, most: 7 * DAY },
}

const time = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(7 * DAY))

const Body = v.looseObject({
  // `v.record` would accept an array.
  input: v.custom<JsonObject>(isObject, 'must be an object'),
  webhook: v.optional(v.pipe(v.string(), v.regex(/^https?:\/\//, 'must be an http(s) URL'))),
  policy: v.optional(
    v.looseObject({
      executionTimeout: v.optional(time),
      ttl: v.optional(time),
      lowPriority: v.optional(v.boolean()),
    }),
  ),
})

/** The whole body as JSON, `{}` when it is empty. Refuses with 400 a body that is no JSON or exceeds `limit` bytes. */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  const { text } = await readBody(request, limit)
  if (text === null) throw new Refusal(400, `request body exceeds ${limit / 1024 / 1024} MB`)
  return parseJson(text)
}

/**
 * The body as text, and its size in bytes. When it exceeds `limit` the text is null, but all of it is read and dropped,
 * so that the caller receives the answer.
 */
export async function readBody(
  request: IncomingMessage,
  limit: number,
): Promise<{ text: string | null; size: number }> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else chunks.length = 0
  }
  return { text: size > limit ? null : Buffer.concat(chunks).toString('utf8'), size }
}

/** Parses a body as JSON, `{}` when it is empty. Refuses invalid JSON with 400. */
export function parseJson(text: string): unknown {
  if (text === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal(400, 'request body is not JSON')
  }
}

/** The job in a body of `/run`; refuses an invalid one with 400. `bounded` enforces the cloud's bounds on times. */
export function parseJobRequest(body: unknown, bounded: boolean): JobRequest {
  const result = v.safeParse(Body, body)
  if (!result.success) {
    const [issue] = result.issues
    throw new Refusal(400, `${v.getDotPath(issue) ?? 'body'}: ${issue.message}`)
  }
  const { input, webhook, policy } = result.output
  const limit = (name: keyof typeof POLICY): number => {
    const { standard, least, most } = POLICY[name]
    const value = policy?.[name] ?? standard
    if (bounded && (value < least || value > most)) {
      throw new Refusal(400, `policy.${name}: must be from ${least} to ${most} ms`)
    }
    return value
  }
  return {
    input,
    webhook: webhook ?? null,
    executionTimeoutMs: limit('executionTimeout'),
    ttlMs: limit('ttl'),
  }
}
