/**
 * One contract: the client's types and the schemas are equal, field by field, in both directions. The compiler checks
 * each schema against it at its definition; these tests ensure that no schema is omitted, and that a field on one side
 * only is detected at any depth.
 */
import type * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type Differences, isHeld } from '../../../src/http/describing.ts'
import { JOB_TYPES } from '../../../src/jobs/job-types/index.ts'
import { CreateJobBody, type Job, type PolicyBody } from '../../../src/jobs/schemas.ts'
import { CreateJob } from '../../../src/openapi/components.ts'
import { OPERATIONS } from '../../../src/openapi/index.ts'
import type { Operation } from '../../../src/openapi/operation.ts'
import type { JobJson } from '../../../wire/job.ts'
import type { CreateJobRequest, PolicyLimits } from '../../../wire/requests.ts'

describe('a field on one side alone is named', () => {
  type Described = v.InferOutput<typeof Job>
  type Taken = v.InferInput<typeof PolicyBody>
  type Body = v.InferInput<typeof CreateJobBody>

  it('of what is answered', () => {
    expectTypeOf<Differences<JobJson, Described>>().toBeNever()
    expectTypeOf<Differences<JobJson & { more: string }, Described>>().toEqualTypeOf<'/more'>()
    expectTypeOf<Differences<Omit<JobJson, 'tags'>, Described>>().toEqualTypeOf<'/tags'>()
    type Deeper = Omit<JobJson, 'usage'> & { usage: JobJson['usage'] & { more: number } }
    expectTypeOf<Differences<Deeper, Described>>().toEqualTypeOf<'/usage/more'>()
  })

  it('of what is asked', () => {
    expectTypeOf<Differences<PolicyLimits, Taken>>().toBeNever()
    expectTypeOf<Differences<PolicyLimits & { more?: number }, Taken>>().toEqualTypeOf<'/more'>()
    expectTypeOf<Differences<Omit<PolicyLimits, 'priority'>, Taken>>().toEqualTypeOf<'/priority'>()
    expectTypeOf<Differences<CreateJobRequest, Body>>().toBeNever()
    expectTypeOf<Differences<CreateJobRequest, Omit<Body, 'webhook_url'>>>().toEqualTypeOf<'/webhook_url'>()
  })

  it('also where it is null, missing, or another value', () => {
    expectTypeOf<Differences<{ a: string | null }, { a: string }>>().toEqualTypeOf<'/a'>()
    expectTypeOf<Differences<{ a: string }, { a: string | null }>>().toEqualTypeOf<'/a'>()
    expectTypeOf<Differences<{ a?: string }, { a: string }>>().toEqualTypeOf<'/a'>()
    expectTypeOf<Differences<{ a: string }, { a?: string }>>().toEqualTypeOf<'/a'>()
    expectTypeOf<Differences<{ a: 'x' }, { a: 'x' | 'y' }>>().toEqualTypeOf<'/a'>()
    expectTypeOf<Differences<{ a: 'x' | 'y' }, { a: 'x' }>>().toEqualTypeOf<'/a'>()
    expectTypeOf<Differences<{ a: string }, { a: number }>>().toEqualTypeOf<'/a'>()
    expectTypeOf<Differences<{ a: { b: 1 }[] }, { a: { c: 1 }[] }>>().toEqualTypeOf<'/a/*/b' | '/a/*/c'>()
  })

  it('but not where the schema leaves it open', () => {
    expectTypeOf<Differences<{ a: 'x' }, { a: string }>>().toBeNever()
    expectTypeOf<Differences<{ a: { b: 1 } }, { a: Record<string, unknown> }>>().toBeNever()
    expectTypeOf<Differences<{ a: string }, { a: Record<string, unknown> }>>().toEqualTypeOf<'/a'>()
  })
})

/** Requests and answers of GPU workers, RunPod, Uppy's pages and operators are not part of the client. */
const OTHERS = new Set(['Reports', 'Operation'])
const NOT_OF_THE_CLIENT = new Set(['createUploadPage', 'readUploadProgress', 'abortUpload', 'uppyParams'])

describe('every schema that the client speaks by is held', () => {
  const spoken = OPERATIONS.filter(({ tag, id }) => !OTHERS.has(tag) && !NOT_OF_THE_CLIENT.has(id))

  it.each(spoken.map((operation) => [operation.id, operation] as const))('%s', (_, operation) => {
    expect(schemasOf(operation).filter((schema) => !isHeld(schema))).toEqual([])
  })

  it('and so are the params of each type', () => {
    expect([...JOB_TYPES.values()].filter(({ schema }) => !isHeld(schema)).map(({ name }) => name)).toEqual(
      [],
    )
  })
})

/** Their URLs are issued complete, or identify an upload as Uppy does. */
const GIVEN_OUT = new Set(['Videos', 'Uploads in parts', 'Service'])

/** The body of a new job consists of one that is checked, and of params that are. */
function schemasOf({ tag, body, query, answers }: Operation): v.GenericSchema[] {
  const asked = body === CreateJob ? CreateJobBody : body
  const answered = Object.values(answers).map(({ schema }) => schema)
  return [asked, GIVEN_OUT.has(tag) ? undefined : query, ...answered].filter((schema) => schema !== undefined)
}
