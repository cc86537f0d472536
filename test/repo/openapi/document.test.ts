import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openApiDocument } from '../../../src/openapi/document.ts'
import { OPERATIONS } from '../../../src/openapi/index.ts'

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

it('openapi.json is what the schemas say (npm run openapi writes it)', () => {
  const { version }: { version: string } = JSON.parse(read('package.json'))
  const made: unknown = JSON.parse(JSON.stringify(openApiDocument(version)))
  expect(JSON.parse(read('openapi.json'))).toEqual(made)
})

/** Operators of a deployment read docs/operations.md beside them. */
const FOR_OPERATORS = /^(Inspected|Statistics|Finding|Action)/

it('every field of a body or an answer is explained', () => {
  const { components }: { components: { schemas: Record<string, { properties?: Record<string, object> }> } } =
    JSON.parse(read('openapi.json'))
  const silent = Object.entries(components.schemas)
    .filter(([name]) => !FOR_OPERATORS.test(name))
    .flatMap(([name, { properties = {} }]) =>
      Object.entries(properties).flatMap(([field, schema]) =>
        'description' in schema ? [] : [`${name}.${field}`],
      ),
    )
  expect(silent).toEqual([])
})

describe.each(OPERATIONS.map((operation) => [operation.route, operation] as const))(
  '%s',
  (_route, operation) => {
    it('has examples, each of its own name', () => {
      expect(operation.examples.length).toBeGreaterThan(0)
      const names = operation.examples.map(({ name }) => name)
      expect(new Set(names).size).toBe(names.length)
    })

    it('explains every parameter', () => {
      const named = [operation.path, operation.query].flatMap((each) => Object.keys(each?.entries ?? {}))
      const told = Object.keys(operation.notes ?? {})
      expect(named.filter((name) => name !== 'id' && !told.includes(name))).toEqual([])
    })
  },
)
