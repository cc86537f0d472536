/** Builds the OpenAPI document (3.1) from the schemas, the catalogue of problems and the notes of the routes. */
import type * as v from 'valibot'
import { WEBHOOKS } from '../jobs/openapi.ts'
import { PROBLEMS, type ProblemCode, titleOf } from '../problems/index.ts'
import { bodySchema, componentSchemas, isOptional, type JsonSchema, parameterSchema } from './components.ts'
import { OPERATIONS } from './index.ts'
import { type Answer, type HeaderNote, type Operation, problemsOf } from './operation.ts'
import { INFO, SECURITY_SCHEMES, TAGS } from './prose.ts'

type Node = Record<string, unknown>

/** @param version version of the service */
export function openApiDocument(version: string): Node {
  const paths: Record<string, Node> = {}
  for (const operation of OPERATIONS) {
    const [method = '', route = ''] = operation.route.split(' ')
    const path = pathOf(route)
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationNode(operation) }
  }
  return {
    openapi: '3.1.1',
    info: { ...INFO, version },
    servers: [{ url: '/', description: 'The deployment that serves this document.' }],
    tags: TAGS,
    paths,
    webhooks: WEBHOOKS,
    components: {
      schemas: componentSchemas(),
      securitySchemes: SECURITY_SCHEMES,
      parameters: { RequestId: REQUEST_ID_PARAMETER },
      headers: HEADERS,
    },
  }
}

/** `/api/jobs/:id` and `/api/videos/upload/:key+` in OpenAPI's syntax. */
export function pathOf(route: string): string {
  return route.replace(/:(\w+)\+?/g, '{$1}')
}

function operationNode(operation: Operation): Node {
  const { id, tag, summary, description } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description && { description }),
    security: securityOf(operation),
    parameters: parametersOf(operation),
    ...requestBodyOf(operation),
    responses: responsesOf(operation),
  }
}

/** Alternative credentials, each with its requirements. A token's scopes are listed as well (OpenAPI 3.1, 4.8.30). */
function securityOf({ access, signature, queryToken }: Operation): Node[] {
  const scopes = access === 'any' || access === 'open' || access === 'signed' ? [] : [access]
  if (access === 'open') return []
  if (access !== 'signed') return [{ token: scopes }, ...(queryToken ? [{ queryToken: scopes }] : [])]
  if (signature === 'callback token') return [{ callbackToken: [] }]
  if (signature === 'signed URL') return [{ signature: [], expiry: [] }]
  if (signature === 'token in path') return []
  if (signature === 'Access assertion') return [{ accessAssertion: [] }]
  return [{ signature: [], expiry: [] }, { token: ['jobs:read'] }, { queryToken: ['jobs:read'] }]
}

function parametersOf(operation: Operation): Node[] {
  const { path, query, headers = {}, notes = {}, examples } = operation
  const shown = (name: string) =>
    examples.find((example) => example.query?.[name] !== undefined)?.query?.[name]
  const inPath = Object.entries(path?.entries ?? {}).map(([name, schema]) => ({
    name,
    in: 'path',
    required: true,
    ...(notes[name] && { description: notes[name] }),
    schema: parameterSchema(schema),
  }))
  const inQuery = Object.entries(query?.entries ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !(query && isOptional(query, name)),
    ...(notes[name] && { description: notes[name] }),
    schema: parameterSchema(schema),
    ...(shown(name) !== undefined && { example: exampleOf(schema, shown(name)) }),
  }))
  const inHeaders = Object.entries(headers).map(([name, { description, example, pattern }]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string', ...(pattern && { pattern }) },
    example,
  }))
  return [...inPath, ...inQuery, ...inHeaders, { $ref: '#/components/parameters/RequestId' }]
}

/** An example value of the schema's type, parsed from the text in a URL. */
function exampleOf(schema: v.GenericSchema, text: string | undefined): unknown {
  const { type } = parameterSchema(schema)
  if (type === 'integer' || type === 'number') return Number(text)
  return type === 'array' ? [text] : text
}

function requestBodyOf({ body, bodyType, bodyOptional, examples }: Operation): Node {
  if (bodyType) return { requestBody: { required: true, content: { [bodyType]: { schema: {} } } } }
  if (!body) return {}
  const shown = examples.flatMap(({ name, summary, body: value, status }) =>
    // A refused request is shown by its answer alone, since examples must match the schema.
    value === undefined || status >= 400 ? [] : [[name, { summary, value }]],
  )
  const content = { 'application/json': { schema: bodySchema(body), examples: Object.fromEntries(shown) } }
  return { requestBody: { required: !bodyOptional, content } }
}

function responsesOf(operation: Operation): Node {
  const answers = Object.entries(operation.answers).map(([status, answer]) => [
    status,
    answerNode(answer, operation, Number(status)),
  ])
  const problems = Object.entries(byStatus(problemsOf(operation))).map(([status, codes]) => [
    status,
    problemNode(Number(status), codes, operation.answers[Number(status)]),
  ])
  return Object.fromEntries([...answers, ...problems])
}

function answerNode(
  { description, schema, mediaType, headers }: Answer,
  { examples }: Operation,
  status: number,
): Node {
  const shown = examples.flatMap(({ name, summary, answer, status: its }) =>
    answer === undefined || its !== status ? [] : [[name, { summary, value: answer }]],
  )
  const content = {
    ...(schema && {
      'application/json': {
        schema: bodySchema(schema),
        ...(shown.length > 0 && { examples: Object.fromEntries(shown) }),
      },
    }),
    ...(mediaType && { [mediaType]: { schema: mediaType.startsWith('text/') ? { type: 'string' } : {} } }),
  }
  return {
    description,
    headers: { ...headersNode(headers), 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } },
    ...(Object.keys(content).length > 0 && { content }),
  }
}

function headersNode(headers: Readonly<Record<string, HeaderNote>> = {}): Node {
  return Object.fromEntries(
    Object.entries(headers).map(([name, { description, example }]) => [
      name,
      { description, schema: { type: 'string' }, example },
    ]),
  )
}

function byStatus(codes: readonly ProblemCode[]): Record<number, ProblemCode[]> {
  const found: Record<number, ProblemCode[]> = {}
  for (const code of codes)
    for (const status of PROBLEMS[code].statuses) found[status] = [...(found[status] ?? []), code]
  return found
}

const PROBLEM_HEADERS: Record<number, string[]> = {
  401: ['WWW-Authenticate'],
  429: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
  503: ['Retry-After'],
}

/** @param beside another answer of this status */
function problemNode(status: number, codes: readonly ProblemCode[], beside: Answer | undefined): Node {
  const names = ['X-Request-Id', ...(PROBLEM_HEADERS[status] ?? [])]
  const schema: JsonSchema = {
    allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }],
  }
  const sentence = `${codes.map((code) => titleOf(code)).join('; ')}.`
  return {
    description: beside ? `${beside.description} Or: ${sentence}` : sentence,
    headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    content: {
      ...(beside?.schema && { 'application/json': { schema: bodySchema(beside.schema) } }),
      'application/problem+json': { schema },
    },
  }
}

const REQUEST_ID_PARAMETER = {
  name: 'X-Request-Id',
  in: 'header',
  required: false,
  description:
    'Your own id for this request, 1 to 128 of letters, digits and ._:-; it is answered, and logged here.',
  schema: { type: 'string', pattern: '^[\\w.:-]{1,128}$' },
  example: 'checkout-7f3a',
}

const HEADERS = {
  'X-Request-Id': {
    description: 'The id of this request, yours if you sent one.',
    schema: { type: 'string' },
    example: 'checkout-7f3a',
  },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' }, example: 5 },
  RateLimit: {
    description: 'What is left, and seconds until it is renewed (draft-ietf-httpapi-ratelimit-headers).',
    schema: { type: 'string' },
    example: '"token";r=0;t=60',
  },
  'RateLimit-Policy': {
    description: 'Requests in so many seconds.',
    schema: { type: 'string' },
    example: '"token";q=600;w=60',
  },
  'WWW-Authenticate': {
    description: 'How to get in (RFC 6750).',
    schema: { type: 'string' },
    example: 'Bearer realm="exportal"',
  },
}
