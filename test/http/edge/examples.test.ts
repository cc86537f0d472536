/** Every example of the document is a request that succeeds, and its answer has the documented form. */
import { describe, expect, it } from 'vitest'
import { idForKey } from '../../../src/jobs/ids.ts'
import { OPERATIONS } from '../../../src/openapi/index.ts'
import type { Example } from '../../../src/openapi/operation.ts'
import { JOB_ID } from '../../../src/openapi/samples.ts'
import { documented, exact } from '../../support/workerd/answers.ts'
import { useHttpWorld } from '../../support/workerd/http.ts'
import { prepare, type Ready, send } from '../../support/workerd/operations.ts'

const world = useHttpWorld()

it('the example’s key makes the example’s id', async () => {
  expect(await idForKey(1, 'order-4711')).toBe(JOB_ID)
})

describe.each(OPERATIONS.map((operation) => [operation.route, operation] as const))(
  '%s',
  (route, operation) => {
    it.each(operation.examples.map((example) => [example.name, example] as const))(
      '%s',
      async (_, example) => {
        const ready = await prepare(route, world.runs)
        const response = await send(route, requestOf(example, ready))
        expect(response.status).toBe(example.status)
        const body = await documented(operation, response)
        if (example.answer === undefined) return
        const shown = renamed(example.answer, ready)
        const schema = operation.answers[example.status]?.schema
        if (schema) exact(schema, shown)
        expect(shapeOf(body)).toEqual(shapeOf(shown))
      },
    )
  },
)

/** The example unchanged, except for ids and signatures. */
function requestOf(example: Example, ready: Ready): Ready {
  return {
    ...ready,
    query: { ...(example.query ? withoutOwn(ready, example) : ready.query), ...example.query },
    headers: { ...ready.headers, ...example.headers },
    body: renamed(example.body, ready),
  }
}

/** Parameters that grant access are kept; other parameters of the fixture are replaced by those of the example. */
function withoutOwn({ query, params }: Ready, { query: shown = {} }: Example): Record<string, string> {
  const opens = Object.keys(params).length > 0 || 'sig' in query
  return opens ? Object.fromEntries(Object.entries(query).filter(([name]) => !(name in shown))) : {}
}

function renamed(value: unknown, { named }: Ready): unknown {
  if (value === undefined) return undefined
  const text = named.reduce((rest, [from, to]) => rest.replaceAll(from, to), JSON.stringify(value))
  return JSON.parse(text)
}

/** Names and types, without the values, which differ between runs. */
function shapeOf(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]))
}
