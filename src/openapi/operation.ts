/**
 * What is written down about one route, beside the table of routes: everything a caller must know that the route
 * table does not say. The OpenAPI document, the run of its examples and the generated requests are made from it.
 */
import type * as v from 'valibot'
import type { ProblemCode } from '../problems/index.ts'

type Tag = 'Jobs' | 'Reports' | 'Videos' | 'Uploads in parts' | 'Service' | 'Operation'

/** An object schema: its entries are the parameters. */
export type Parameters = v.GenericSchema & { readonly entries: Record<string, v.GenericSchema> }

export interface HeaderNote {
  readonly description: string
  readonly example: string
  readonly pattern?: string
}

export interface Answer {
  readonly description: string
  /** Of a JSON body. */
  readonly schema?: v.GenericSchema
  /** Of a body that is not JSON. */
  readonly mediaType?: string
  readonly headers?: Readonly<Record<string, HeaderNote>>
}

/** A request that works as it stands, but for ids and signatures, and the answer that it gets. */
export interface Example {
  readonly name: string
  readonly summary: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly status: number
  /** Fields that an answer has by chance or by time are shown with likely values. */
  readonly answer?: unknown
}

export interface Operation {
  /** Method and path as in the route table. */
  readonly route: string
  /** `operationId`: the name that generated clients call it by. */
  readonly id: string
  readonly tag: Tag
  readonly summary: string
  readonly description?: string
  /** As in the route table; a test compares. */
  readonly access: 'jobs:read' | 'jobs:write' | 'videos:write' | 'admin' | 'any' | 'open' | 'signed'
  /** How a `signed` route is opened. */
  readonly signature?: 'callback token' | 'signed URL' | 'signed URL or token' | 'token in path'
  /** The access token may stand in the query. */
  readonly queryToken?: true
  /** A schema for each parameter in the path. */
  readonly path?: Parameters
  readonly query?: Parameters
  /** A sentence for each parameter of path and query that its schema does not explain. */
  readonly notes?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, HeaderNote>>
  /** A JSON body. */
  readonly body?: v.GenericSchema
  /** A body that is not JSON. */
  readonly bodyType?: string
  /** An empty body will do. */
  readonly bodyOptional?: true
  readonly answers: Readonly<Record<number, Answer>>
  /** Beyond those that follow from access, body and parameters. */
  readonly problems?: readonly ProblemCode[]
  readonly examples: readonly Example[]
}

/** Problems that every operation of a kind may answer, so that no entry has to repeat them. */
export function problemsOf(operation: Operation): readonly ProblemCode[] {
  const { access, signature, body, query, path, problems = [] } = operation
  const found = new Set<ProblemCode>(problems)
  const add = (...codes: ProblemCode[]) => codes.forEach((code) => void found.add(code))
  if (access !== 'open') add('not_configured')
  if (access !== 'open' && access !== 'signed') add('unauthorized', 'token_invalid', 'token_expired')
  if (access !== 'open' && access !== 'signed') add('token_misplaced', 'rate_limited')
  if (access !== 'open' && access !== 'signed' && access !== 'any') add('scope_missing')
  if (signature === 'callback token') add('token_missing', 'token_invalid', 'token_expired')
  if (signature === 'signed URL' || signature === 'signed URL or token')
    add('signature_missing', 'signature_invalid', 'signature_expired')
  if (signature === 'token in path') add('signature_invalid', 'signature_expired')
  if (body) add('validation_failed', 'invalid_json', 'body_too_large')
  if (body && !operation.bodyOptional) add('unsupported_media_type', 'unsupported_encoding')
  if (query) add('validation_failed')
  if (path && 'id' in path.entries) add('job_not_found', 'job_unavailable')
  add('internal_error')
  return [...found].sort()
}
