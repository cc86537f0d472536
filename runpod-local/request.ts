/** Reading a request: its JSON body within a limit, and the job request in it. */
import type { IncomingMessage } from 'node:http'
import * as v from 'valibot'
import { isObject, type JobRequest, type JsonObject } from './job.ts'

/** An answer other than 200. The body has FastAPI's form, `{"detail": …}`, which is what was seen in the cloud. */
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
  // A record would let an array pass.
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

/**
 * The whole body as JSON, `{}` when there is none. Refuses with 400 what is no JSON or larger than `limit` bytes;
 * the rest of a body too large is read and dropped, so that the caller gets to see the answer.
 */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else chunks.length = 0
  }
  if (size > limit) throw new Refusal(400, `request body exceeds ${limit / 1024 / 1024} MB`)
  if (size === 0) return {}
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new Refusal(400, 'request body is not JSON')
  }
}

/** The job that a body of `/run` asks for, or a refusal with 400. `bounded` holds times to the cloud's bounds. */
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
