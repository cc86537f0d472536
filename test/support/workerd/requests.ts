/** Requests generated from the OpenAPI document alone: those that it allows, and those that it does not. */
import fc from 'fast-check'
import document from '../../../openapi.json' with { type: 'json' }
import { pathOf } from '../../../src/openapi/document.ts'
import { broken, type Schema, valid } from './arbitrary.ts'
import type { Ready } from './operations.ts'

/** The changes to a prepared request. */
export interface Edit {
  params?: Record<string, string>
  query?: Record<string, string>
  headers?: Record<string, string>
  /** JSON, in which parts that only the service can create are replaced by those of the prepared request. */
  value?: unknown
  /** The body, unchanged. */
  text?: string
}

/** The prepared request with the changes applied. */
export function edited(route: string, ready: Ready, { params, query, headers, value, text }: Edit): Ready {
  return {
    ...ready,
    params: { ...ready.params, ...params },
    query: { ...ready.query, ...query },
    headers: { ...ready.headers, ...headers },
    body: text ?? (value === undefined ? ready.body : kept(route, value, ready)),
  }
}

interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  schema: Schema
  example?: unknown
}

interface Documented {
  parameters: (Parameter | { $ref: string })[]
  security: object[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

const paths: Record<string, Record<string, Documented>> = JSON.parse(JSON.stringify(document.paths))

function documentedOf(route: string): Documented {
  const [method = '', path = ''] = route.split(' ')
  const found = paths[pathOf(path)]?.[method.toLowerCase()]
  if (!found) throw new Error(`The document has no ${route}.`)
  return found
}

function parametersOf(route: string, where: Parameter['in']): Parameter[] {
  return documentedOf(route).parameters.flatMap((each) => ('name' in each && each.in === where ? [each] : []))
}

function bodyOf(route: string): Schema | null {
  return documentedOf(route).requestBody?.content['application/json']?.schema ?? null
}

/** Fields that only the service can create: they are taken from the prepared request. */
const MADE_BY_SERVICE: Record<string, readonly string[]> = {
  'POST /api/jobs/:id/do/complete': ['output_video_key'],
  'POST /api/uploads/:token/s3/multipart/:upload/complete': ['parts'],
  'POST /api/runpod/callback': ['job_id', 'output'],
  'POST /api/admin/jobs/actions': ['cursor'],
  // The job named must belong to the project.
  'POST /api/videos/upload-url': ['job_id', 'project_id'],
}
/** Cursors are opaque, and the signature of a URL covers its query. */
const NEVER_MADE_UP = new Set(['cursor', 'key', 'job', 'round', 'attempt', 'upload', 'part'])

/** A request that the document allows. */
export function validRequests(route: string): fc.Arbitrary<Edit> {
  const query = fc.record(
    Object.fromEntries(
      parametersOf(route, 'query')
        .filter(({ name }) => !NEVER_MADE_UP.has(name))
        .map(({ name, schema }) => [name, valid(schema, name)]),
    ),
    { requiredKeys: [] },
  )
  const headers = fc.record(
    Object.fromEntries(
      parametersOf(route, 'header').map(({ name, example }) => [name, headerOf(name, example)]),
    ),
    { requiredKeys: [] },
  )
  const schema = bodyOf(route)
  const body = schema ? valid(schema) : fc.constant(undefined)
  return fc
    .tuple(query, headers, body)
    .map(([asked, sent, value]) => ({ query: asText(asked), headers: asText(sent), value }))
}

/** Most requests omit most headers. */
function headerOf(name: string, example: unknown): fc.Arbitrary<unknown> {
  const some = name === 'Idempotency-Key' ? fc.stringMatching(/^[\w.:-]{1,80}$/) : fc.constant(example)
  return fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: some })
}

function kept(route: string, value: unknown, { body, named }: Ready): unknown {
  const names = MADE_BY_SERVICE[route]
  if (!names || value === null || typeof value !== 'object') return value
  const own = body !== null && typeof body === 'object' ? body : {}
  const made = { ...own, job_id: named[0]?.[1] }
  const entries = Object.entries(value).flatMap(([name, inner]) => {
    if (!names.includes(name)) return [[name, inner]]
    const right = Object.entries(made).find(([key]) => key === name)
    return right ? [right] : []
  })
  return Object.fromEntries(entries)
}

function asText(values: Record<string, unknown>): Record<string, string> {
  const present = Object.entries(values).filter(([, value]) => value !== undefined && !isEmptyList(value))
  return Object.fromEntries(
    present.map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)]),
  )
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

/** A request that violates the document, in one place. */
export function invalidRequests(route: string): fc.Arbitrary<Edit> {
  const ways = [
    ...brokenBodies(route),
    ...brokenQueries(route),
    ...brokenPaths(route),
    ...brokenAuthority(route),
  ]
  return fc.oneof(...ways)
}

function brokenBodies(route: string): fc.Arbitrary<Edit>[] {
  const schema = bodyOf(route)
  if (!schema) return []
  const headers = { 'Content-Type': 'application/json' }
  const noJson = fc.constantFrom('', '{', '{"a":}', 'text', '[1,', '\u0000')
  const wrong = broken(schema)?.map((value) => JSON.stringify(value))
  return [noJson, ...(wrong ? [wrong] : [])].map((texts) => texts.map((text) => ({ headers, text })))
}

function brokenQueries(route: string): fc.Arbitrary<Edit>[] {
  return parametersOf(route, 'query').flatMap(({ name, schema }) => {
    const wrong = broken(schema.type === 'array' && schema.items ? schema.items : schema)
    // In a URL everything is text, so only a text that is not a number, not a member of the enum, or too long is
    // invalid there.
    const constrained = schema.type !== 'string' || schema.pattern || schema.enum || schema.format
    if (!wrong || !constrained) return []
    const texts = wrong
      .filter((value) => typeof value !== 'boolean' && value !== '7')
      .map((value) => (typeof value === 'object' ? '~' : String(value)))
    return [texts.map((text) => ({ query: { [name]: text } }))]
  })
}

const ODD = fc
  .oneof(
    fc.constantFrom(
      'x',
      '0',
      '-1',
      '%',
      "' OR 1=1",
      '\u0000',
      'ü',
      'a'.repeat(2000),
      '__proto__',
      'toString',
    ),
    fc.string({ minLength: 1, maxLength: 60 }),
  )
  // A path of dots is normalised to another path before it is sent.
  .filter((text) => !/^\.*$/.test(text))

function brokenPaths(route: string): fc.Arbitrary<Edit>[] {
  return parametersOf(route, 'path').map(({ name }) => ODD.map((text) => ({ params: { [name]: text } })))
}

/** An invalid token; for URLs authorised by a signature, an invalid signature. */
function brokenAuthority(route: string): fc.Arbitrary<Edit>[] {
  const schemes = documentedOf(route).security.flatMap((each) => Object.keys(each))
  if (schemes.includes('signature')) return [ODD.map((sig) => ({ query: { sig } }))]
  if (schemes.includes('accessAssertion'))
    return [
      fc.stringMatching(/^[\w.-]{1,60}$/).map((text) => ({ headers: { 'Cf-Access-Jwt-Assertion': text } })),
    ]
  if (!schemes.some((scheme) => scheme === 'token' || scheme === 'callbackToken')) return []
  const tokens = fc.stringMatching(/^[\w.-]{1,60}$/)
  return [tokens.map((token) => ({ headers: { Authorization: `Bearer ${token}` } }))]
}
