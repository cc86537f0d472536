/**
 * What the client and the pages say of the wire, held to the schemas that the service is documented by. Neither may
 * import the service, so that nothing but this keeps the two from drifting apart. The compiler checks it (`tsc -p
 * test`): what the service sends is what is read, and no field is known to one of the two alone.
 */
import type * as v from 'valibot'
import { expectTypeOf, test } from 'vitest'
import type * as client from '../../client/index.ts'
import type * as admin from '../../src/schemas/admin-view.ts'
import type * as jobs from '../../src/schemas/job-view.ts'
import type * as service from '../../src/schemas/service.ts'
import type * as pages from '../../web/src/admin/types.ts'

/** Takes nothing but what the service sends where `Read` is read. */
type Reads<Read, Sent extends Read> = [Read, Sent]
/** What JSON makes of it: a field that is not there is left out, and never undefined. Free JSON stays as it is. */
type Wire<T> = T extends readonly (infer E)[]
  ? Wire<E>[]
  : T extends object
    ? string extends keyof T
      ? T
      : { [K in keyof T]: Wire<Exclude<T[K], undefined>> }
    : T
type SentAs<S extends v.GenericSchema> = Wire<v.InferOutput<S>>
type SentJob = SentAs<typeof jobs.Job>
type SentSummary = SentAs<typeof jobs.JobSummary>
type SentEvents = SentAs<typeof jobs.EventPage>

test('a job, as its actor and as the list tell it', () => {
  expectTypeOf<Reads<client.Job, SentJob>>().toBeArray()
  expectTypeOf<keyof SentJob>().toEqualTypeOf<keyof client.Job>()
  expectTypeOf<Reads<client.ListedJob, SentSummary>>().toBeArray()
  expectTypeOf<keyof SentSummary>().toEqualTypeOf<keyof client.ListedJob>()
  expectTypeOf<keyof SentJob['usage']>().toEqualTypeOf<keyof NonNullable<client.Job['usage']>>()
  expectTypeOf<keyof SentJob['urls']>().toEqualTypeOf<keyof client.Job['urls']>()
})

test('pages of jobs and of events', () => {
  expectTypeOf<Reads<client.JobPage, SentAs<typeof jobs.JobList>>>().toBeArray()
  expectTypeOf<Reads<client.EventsPage, SentEvents>>().toBeArray()
  expectTypeOf<keyof SentEvents>().toEqualTypeOf<keyof client.EventsPage>()
  expectTypeOf<keyof SentEvents['events'][number]>().toEqualTypeOf<keyof client.JobEvent>()
})

test('answers to commands', () => {
  type Deleted = SentAs<typeof jobs.DeletedJob> | SentAs<typeof jobs.CancelledInstead>
  expectTypeOf<Reads<client.CreatedJob, SentAs<typeof jobs.CreatedJob>>>().toBeArray()
  expectTypeOf<keyof SentAs<typeof jobs.CreatedJob>>().toEqualTypeOf<keyof client.CreatedJob>()
  expectTypeOf<Reads<client.DeleteAnswer, Deleted>>().toBeArray()
})

test('what the service says of itself', () => {
  type Type = SentAs<typeof service.JobTypes>['types'][number]
  expectTypeOf<Reads<client.JobTypeInfo, Type>>().toBeArray()
  expectTypeOf<keyof Type>().toEqualTypeOf<keyof client.JobTypeInfo>()
  expectTypeOf<Reads<client.Health, SentAs<typeof service.Health>>>().toBeArray()
})

test('the inspector and the figures', () => {
  type Inspected = SentAs<typeof admin.InspectedJob>
  type Figures = SentAs<typeof admin.Statistics>
  expectTypeOf<Reads<pages.InspectedJob, Inspected>>().toBeArray()
  expectTypeOf<Reads<pages.Statistics, Figures>>().toBeArray()
  expectTypeOf<keyof Figures>().toEqualTypeOf<keyof pages.Statistics>()
  expectTypeOf<keyof SentAs<typeof admin.InspectedAttempt>>().toEqualTypeOf<keyof pages.InspectedAttempt>()
})
