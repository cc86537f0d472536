/** Schemas of fields that several requests share. */
import * as v from 'valibot'
import type { JsonObject } from '../../actors/export-job/core/job.ts'
import { instantOf } from '../../actors/shared/instant.ts'

/** A non-negative integer. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

export const amount = v.pipe(v.number(), v.minValue(0))

/** Projects are numbered from 1. */
export const ProjectId = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

/** Text without control characters, of 1 to `most` characters. */
export function shortText(most: number) {
  return v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(most),
    v.check((text) => !hasControls(text), 'Control characters are not allowed.'),
  )
}

/** Whether the text has C0 controls, DEL or C1 controls. */
export function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text)
}

const NO_OBJECT = 'This must be a JSON object.'

/** An object whose fields are all optional. The library would accept an array as well, which JSON distinguishes. */
export function optionalFields<const E extends v.ObjectEntries>(
  entries: E,
): v.StrictObjectSchema<E, undefined> {
  const schema = v.strictObject(entries)
  const list = v.custom<never>(() => false, NO_OBJECT)
  return {
    ...schema,
    '~run': (dataset, config) => (Array.isArray(dataset.value) ? list : schema)['~run'](dataset, config),
  }
}

/** RFC 3339 in UTC with milliseconds, the format of answers. */
export const Instant = v.pipe(v.string(), v.isoTimestamp())

/** RFC 3339 with any offset, the format of requests; parsed to milliseconds. */
export const GivenInstant = v.pipe(
  v.string(),
  v.metadata({ format: 'date-time' }),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    const at = instantOf(value)
    if (at !== null) return at
    const spaced = /\d \d\d:\d\d$/.test(value) ? ' In a query + is written %2B.' : ''
    addIssue({ message: `This must be an RFC 3339 date and time, as 2030-01-31T12:00:00Z.${spaced}` })
    return NEVER
  }),
)

export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** A JSON object of arbitrary fields, defined by the client. */
export const OpenJson = v.custom<JsonObject>(isObject, NO_OBJECT)

/** A boolean query parameter; true when it has no value. */
export const flag = v.pipe(
  v.picklist(['', '0', '1', 'true', 'false']),
  v.transform((text) => text !== '0' && text !== 'false'),
)

/** A query value in digits: an integer of at least `least`. */
export function whole(least: number) {
  const wrong = `This must be a whole number of at least ${least}.`
  return v.pipe(
    v.string(),
    v.regex(/^\d+$/, wrong),
    v.transform(Number),
    v.number(),
    v.safeInteger(wrong),
    v.minValue(least, wrong),
  )
}
