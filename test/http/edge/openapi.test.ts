/** The route table and the document contain the same operations. */
import { describe, expect, it } from 'vitest'
import document from '../../../openapi.json' with { type: 'json' }
import { pathOf } from '../../../src/openapi/document.ts'
import { OPERATIONS } from '../../../src/openapi/index.ts'
import { ROUTES } from '../../../src/router.ts'
import { api, apiWith, useHttpWorld } from '../../support/workerd/http.ts'

useHttpWorld()

describe('every route', () => {
  it('is written down once, and nothing else is', () => {
    const routes = ROUTES.map(({ method, path }) => `${method} ${path}`)
    const written = OPERATIONS.map(({ route }) => route)
    expect(written.toSorted()).toEqual(routes.toSorted())
  })

  it('stands in the document with its method, and nothing else does', () => {
    const routes = ROUTES.map(({ method, path }) => `${method.toLowerCase()} ${pathOf(path)}`)
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    expect(documented.toSorted()).toEqual(routes.toSorted())
  })
})

it('GET /openapi.json is the committed document, for everyone', async () => {
  for (const response of [
    await api('http://exportal.test/openapi.json'),
    await apiWith({ ENVIRONMENT: 'production' }, '/openapi.json'),
  ]) {
    expect(response.headers.get('Content-Type')).toBe('application/json')
    expect(await response.json()).toEqual(document)
  }
})
