/**
 * The documentation of one route: what callers need and the route table does not contain. The OpenAPI document, the
 * tests of its examples and the generated requests are made from it.
 */
import type * as v from 'valibot'
import type { Route } from '../http/route.ts'
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
  /** Schema of a JSON body. */
  readonly schema?: v.GenericSchema
  /** Media type of a body that is not JSON. */
  readonly mediaType?: string
  readonly headers?: Readonly<Record<string, HeaderNote>>
}

/** A request that works unchanged except for ids and signatures, and its answer. */
export interface Example {
  readonly name: string
  readonly summary: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly status: number
  /** Fields whose values depend on chance or time have plausible values. */
  readonly answer?: unknown
}

export interface OperationNote {
  /** Method and path of the route table. */
  readonly route: string
  /** `operationId`: the method's name in generated clients. */
  readonly id: string
  readonly tag: Tag
  readonly summary: string
  readonly description?: string
  /** A schema for each path parameter. */
  readonly path?: Parameters
  readonly query?: Parameters
  /** A description of each path or query parameter that its schema does not describe. */
  readonly notes?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, HeaderNote>>
  /** Schema of a JSON body. */
  readonly body?: v.GenericSchema
  /** Media type of a body that is not JSON. */
  readonly bodyType?: string
  /** Whether the body may be empty. */
  readonly bodyOptional?: true
  readonly answers: Readonly<Record<number, Answer>>
  /** Problems besides those implied by access, body and parameters. */
  readonly problems?: readonly ProblemCode[]
  readonly examples: readonly Example[]
}

/** The note with its row of the route table. */
export type Operation = OperationNote & Pick<Route, 'access' | 'signature' | 'queryToken'>

/** Problems that every operation of a kind may answer, so that no note has to repeat them. */
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
  if (signature === 'Access assertion')
    add('assertion_missing', 'assertion_invalid', 'assertion_expired', 'no_operator', 'cross_origin')
  if (signature === 'token in path') add('signature_invalid', 'signature_expired')
  if (body) add('validation_failed', 'invalid_json', 'body_too_large')
  if (body && !operation.bodyOptional) add('unsupported_media_type', 'unsupported_encoding')
  if (query) add('validation_failed')
  if (path && 'id' in path.entries) add('job_not_found', 'job_unavailable')
  add('internal_error')
  return [...found].sort()
}
