import { describe, expect, it } from 'vitest'
import { PROBLEMS } from '../../../src/problems/index.ts'
import { FAILURES } from '../../../wire/failures.ts'
import { api, apiWith, problemOf, textOf, useHttpWorld } from '../../support/workerd/http.ts'
import { PRODUCTION } from '../../support/workerd/tokens.ts'

useHttpWorld()

describe('the type of a problem', () => {
  it('is an address of this deployment that explains the code', async () => {
    const { type, code } = await problemOf(await api('/api/jobs?limit=0'), 400)
    expect(type).toBe(`https://exportal.test/errors/${code}`)
    const page = await apiWith(PRODUCTION, type)
    expect([page.status, page.headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(await textOf(page)).toContain(PROBLEMS.validation_failed.cause.split('`')[0])
  })

  it('resolves also where nothing is configured, and of every code', async () => {
    const refused = await apiWith({ ENVIRONMENT: 'production', AUTH_SECRET: '' }, '/api/jobs')
    expect((await problemOf(refused, 503)).type).toBe('http://localhost/errors/not_configured')
    for (const code of Object.keys(PROBLEMS)) {
      expect((await apiWith({ ENVIRONMENT: 'production', AUTH_SECRET: '' }, `/errors/${code}`)).status).toBe(
        200,
      )
    }
  })

  it('also of a job that failed, and of a code that is both', async () => {
    for (const [code, { title }] of Object.entries(FAILURES)) {
      const page = await apiWith({ ENVIRONMENT: 'production', AUTH_SECRET: '' }, `/errors/${code}`)
      expect([page.status, await textOf(page)]).toEqual([200, expect.stringContaining(`<h1>${title}</h1>`)])
    }
    expect((await textOf(await api('/errors/not_configured'))).match(/<h1>/g)).toHaveLength(2)
  })

  it.each(['nothing', 'toString', '__proto__', '%3Cscript%3E'])('%s is no code', async (code) => {
    await problemOf(await api(`/errors/${code}`), 404, 'route_not_found')
  })
})
