/** Arbitraries of fast-check for values that a JSON Schema of the document allows, and for values that it does not. */
import fc from 'fast-check'
import document from '../../../openapi.json' with { type: 'json' }

export interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  /** Mutually exclusive fields of an object, one of which is required. */
  not?: { required: string[] }
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  items?: Schema
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  multipleOf?: number
  pattern?: string
  format?: string
}

const components: Record<string, Schema> = JSON.parse(JSON.stringify(document.components.schemas))

/** Constraints checked by code that JSON Schema cannot express, by the name of the component. */
const BY_COMPONENT: Record<string, fc.Arbitrary<unknown>> = {
  JobId: fc.uuid({ version: 7 }),
  ProjectId: fc.integer({ min: 1, max: 1_000_000 }),
  InputKey: fc.stringMatching(/^[a-z0-9]{1,8}\/[a-zA-Z0-9_-]{1,12}\.mp4$/).map((rest) => `input/${rest}`),
  SourceKey: fc.stringMatching(/^[a-z0-9]{1,8}\/[a-zA-Z0-9_-]{1,12}\.mp4$/).map((rest) => `input/${rest}`),
  FileType: fc.constantFrom('video/mp4', 'video/webm', 'video/quicktime', 'image/png', 'image/jpeg'),
  FileSize: fc.integer({ min: 1, max: 4_000_000_000 }),
  ScopeList: fc
    .subarray(['jobs:read', 'jobs:write', 'videos:write', 'admin'], { minLength: 1 })
    .map((scopes) => scopes.join(' ')),
}

/** A character of a path as it is, or one of all others, escaped. */
const IN_PATH = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom(..."abcxyzABCXYZ0189-._~!$&'()*+,;=:@") },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 0, max: 0x10_ff_ff })
      .filter((code) => code < 0xd8_00 || code > 0xdf_ff)
      .map((code) => encodeURIComponent(String.fromCodePoint(code))),
  },
)
const SEGMENT = fc.array(IN_PATH).map((characters) => `/${characters.join('')}`)

/** Not `fc.webUrl`, which first makes a table of all characters: that takes over a second. */
const PUBLIC_URL = fc
  .tuple(fc.webAuthority(), fc.array(SEGMENT))
  .map(([authority, path]) => `https://${authority}${path.join('')}`)
  .filter((url) => url.length < 500)

/** The same, by the name of the field. */
const BY_FIELD: Record<string, fc.Arbitrary<unknown>> = {
  // Those named in the settings.
  endpoint: fc.constant('default'),
  webhook_url: PUBLIC_URL,
  input_video_url: PUBLIC_URL,
  deadline_at: fc
    .integer({ min: 25, max: 100 })
    .map((hours) => new Date(Date.now() + hours * 3_600_000).toISOString()),
}

const INSTANT = fc
  .date({ min: new Date('2020-01-01'), max: new Date('2120-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())

/** @throws for an unknown kind of schema */
export function valid(schema: Schema, field = ''): fc.Arbitrary<unknown> {
  const own = BY_FIELD[field]
  if (own) return own
  if (schema.$ref) return BY_COMPONENT[nameOf(schema.$ref)] ?? valid(resolved(schema), field)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const options = schema.anyOf ?? (schema.properties ? undefined : schema.oneOf)
  if (options) return fc.oneof(...options.map((option) => valid(option, field)))
  switch (schema.type) {
    case 'string':
      return text(schema)
    case 'integer':
      return fc.integer(bounds(schema)).map((n) => n * (schema.multipleOf ?? 1))
    case 'number':
      return schema.multipleOf ? fc.integer(bounds(schema)) : decimal(schema)
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(valid(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 5, 5),
      })
    case 'object':
      return object(schema)
    case undefined:
      return fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)))
    default:
      throw new Error(`No value is known for ${JSON.stringify(schema)}.`)
  }
}

function object(schema: Schema): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties, not } = schema
  if (not) return fc.oneof(...not.required.map((chosen) => object(choosing(schema, not.required, chosen))))
  const named = Object.entries(properties).map(([name, inner]) => [name, valid(inner, name)] as const)
  const known = fc.record(Object.fromEntries(named), { requiredKeys: required })
  if (named.length > 0 || additionalProperties === false) return known.map((value) => ({ ...value }))
  return fc
    .dictionary(fc.stringMatching(/^[a-z_]{1,10}$/), fc.oneof(fc.string(), fc.integer()), { maxKeys: 4 })
    .map((value) => ({ ...value }))
}

/** Keeps one of several mutually exclusive fields. */
function choosing({ not: _, ...schema }: Schema, all: readonly string[], chosen: string): Schema {
  const others = all.filter((name) => name !== chosen)
  const kept = Object.entries(schema.properties ?? {}).filter(([name]) => !others.includes(name))
  return { ...schema, properties: Object.fromEntries(kept), required: [...(schema.required ?? []), chosen] }
}

function text({ format, pattern, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time') return INSTANT
  if (pattern) return fc.stringMatching(new RegExp(pattern))
  return fc.string({ minLength, maxLength: Math.min(maxLength, 40) })
}

function bounds({ minimum = 0, maximum = 1_000_000, multipleOf = 1 }: Schema): { min: number; max: number } {
  const most = Math.min(maximum, 1_000_000)
  return { min: Math.ceil(Math.max(minimum, 0) / multipleOf), max: Math.floor(most / multipleOf) }
}

function decimal(schema: Schema): fc.Arbitrary<number> {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  return fc.double({
    min: exclusiveMinimum ?? minimum ?? 0,
    max: exclusiveMaximum ?? maximum ?? 1_000_000,
    minExcluded: exclusiveMinimum !== undefined,
    maxExcluded: exclusiveMaximum !== undefined,
    noNaN: true,
    noDefaultInfinity: true,
  })
}

/** A value that is wrong in one place; null for a schema that allows everything. */
export function broken(schema: Schema, field = ''): fc.Arbitrary<unknown> | null {
  if (schema.$ref) return broken(resolved(schema), field)
  if (schema.const !== undefined || schema.enum) return fc.constantFrom<unknown>('no such thing', 0.5, {}, [])
  const options = (schema.anyOf ?? (schema.properties ? undefined : schema.oneOf))?.map(resolved)
  if (options) {
    // A value invalid for one shape may be valid for another, so only values that no shape allows are used.
    const others = options.filter(({ type }) => type !== 'null')
    const [only] = others
    if (only && others.length === 1) return broken(only, field)
    return fc.constantFrom<unknown>(7, 'text', [], {})
  }
  switch (schema.type) {
    case 'string':
      return brokenText(schema)
    case 'integer':
    case 'number':
      return brokenNumber(schema)
    case 'boolean':
      return fc.constantFrom<unknown>('true', 1, {})
    case 'array':
      return brokenArray(schema)
    case 'object':
      return brokenObject(schema)
    default:
      return null
  }
}

function brokenText({ minLength, maxLength, pattern, format }: Schema): fc.Arbitrary<unknown> {
  const wrong: unknown[] = [7, true, {}, []]
  if (minLength) wrong.push('')
  if (maxLength) wrong.push('x'.repeat(maxLength + 1))
  if (pattern || format) wrong.push('!', ' ')
  return fc.constantFrom(...wrong)
}

function brokenNumber({
  type,
  minimum,
  maximum,
  exclusiveMinimum,
  multipleOf,
}: Schema): fc.Arbitrary<unknown> {
  const wrong: unknown[] = ['7', {}, [], true]
  if (type === 'integer') wrong.push(1.5)
  if (minimum !== undefined) wrong.push(minimum - 1)
  if (exclusiveMinimum !== undefined) wrong.push(exclusiveMinimum)
  if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER) wrong.push(maximum + 1)
  if (multipleOf) wrong.push(multipleOf * 100 + 1)
  return fc.constantFrom(...wrong)
}

function brokenArray({ items = {}, minItems, maxItems }: Schema): fc.Arbitrary<unknown> {
  const ways: fc.Arbitrary<unknown>[] = [fc.constantFrom<unknown>('text', 7, {})]
  const item = broken(items)
  if (item) ways.push(fc.array(item, { minLength: 1, maxLength: 3 }))
  if (minItems) ways.push(fc.constant([]))
  if (maxItems && maxItems < 100)
    ways.push(fc.array(valid(items), { minLength: maxItems + 1, maxLength: maxItems + 1 }))
  return fc.oneof(...ways)
}

function brokenObject(schema: Schema): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema
  const ways: fc.Arbitrary<unknown>[] = [fc.constantFrom<unknown>('text', 7, [])]
  const whole = valid(schema).map((value) => (isRecord(value) ? value : {}))
  for (const name of required)
    ways.push(whole.map((value) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))))
  if (additionalProperties === false) ways.push(whole.map((value) => ({ ...value, unheard_of: 1 })))
  for (const [name, inner] of Object.entries(properties)) {
    const wrong = broken(inner, name)
    if (wrong) ways.push(fc.tuple(whole, wrong).map(([value, worse]) => ({ ...value, [name]: worse })))
  }
  return fc.oneof(...ways)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function resolved(schema: Schema): Schema {
  if (!schema.$ref) return schema
  const found = components[nameOf(schema.$ref)]
  if (!found) throw new Error(`The document has no ${schema.$ref}.`)
  return resolved(found)
}

function nameOf(ref: string): string {
  return ref.split('/').at(-1) ?? ''
}
