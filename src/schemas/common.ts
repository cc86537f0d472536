/** Fields that several requests share. */
import * as v from 'valibot'
import type { JsonObject } from '../../actors/export-job/core/job.ts'
import { isJobId } from '../ids.ts'
import { instantOf } from '../instant.ts'
import { hasControls, INPUT_PREFIX, keyFault } from '../keys.ts'

/** Projects are numbered from 1. */
export const ProjectId = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

/** In lower case from here on: UUIDs are read in either (RFC 9562, 4). */
export const JobId = v.pipe(v.string(), v.toLowerCase(), v.check(isJobId, 'This is not the id of a job.'))

/** The R2 key of something uploaded. */
export const InputKey = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const fault = dataset.typed ? keyFault(dataset.value, [INPUT_PREFIX]) : null
    if (fault) addIssue({ message: fault })
  }),
)

/** Text without control characters, of 1 to `most` characters. */
export function shortText(most: number) {
  return v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(most),
    v.check((text) => !hasControls(text), 'Control characters are not allowed.'),
  )
}

const NO_OBJECT = 'This must be a JSON object.'

/**
 * An object of which every field may be left out. To the library an empty array would be one too: to JSON it is not.
 */
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

/** RFC 3339, UTC with milliseconds: as answers write it. */
export const Instant = v.pipe(v.string(), v.isoTimestamp())

/** RFC 3339 with any offset, as requests write it; milliseconds from here on. */
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

export function isObject(value: unknown): boolean {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** A JSON object whose fields are its owner's business. */
export const OpenJson = v.custom<JsonObject>(isObject, NO_OBJECT)
