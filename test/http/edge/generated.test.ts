/**
 * Requests generated from the document, valid and invalid, for every operation: never a 500, always a documented
 * answer, and at least half of the valid ones succeed. `npm run test:api` generates 200 of each.
 */
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../../src/openapi/index.ts'
import { documented, outcomeOf } from '../../support/workerd/answers.ts'
import { useHttpWorld } from '../../support/workerd/http.ts'
import { prepare, type Ready, send } from '../../support/workerd/operations.ts'
import { type Edit, edited, invalidRequests, validRequests } from '../../support/workerd/requests.ts'

const world = useHttpWorld()

const numRuns = Number(env.GENERATED_REQUESTS ?? 5)
const seed = 4711

/** Commands that change the state for the next request. */
const USED_UP = new Set([
  'DELETE /api/jobs/:id',
  'POST /api/jobs/:id/retry',
  'POST /api/admin/jobs/:id/actions',
  'POST /api/admin/jobs/actions',
  'PUT /api/videos/upload/:key+',
])

/** Readable by everyone, with any parameters. */
const NEVER_REFUSES = new Set(['GET /openapi.json', 'GET /health'])

/** Reports are repaired where other requests are refused. */
const REPAIRED = new Set([
  'POST /api/jobs/:id/do/progress',
  'POST /api/jobs/:id/do/complete',
  'POST /api/jobs/:id/do/error',
  'POST /api/runpod/callback',
])

const operations = OPERATIONS.map((operation) => [operation.route, operation] as const)

describe.each(operations)('%s', (route, operation) => {
  async function each(
    edits: fc.Arbitrary<Edit>,
    check: (response: Response) => Promise<void>,
  ): Promise<void> {
    let kept: Ready | null = null
    const property = fc.asyncProperty(edits, async (edit) => {
      kept = kept && !USED_UP.has(route) ? kept : await prepare(route, world.runs)
      await check(await send(route, edited(route, kept, edit)))
      world.logs.length = 0
    })
    await fc.assert(property, { numRuns, seed })
  }

  const succeeds = Object.keys(operation.answers).some((status) => Number(status) < 400)

  it('answers valid requests as documented, and at least half of them well', async () => {
    let all = 0
    let good = 0
    await each(validRequests(route), async (response) => {
      all++
      if (response.status < 400) good++
      expect(response.status).not.toBe(500)
      await documented(operation, response)
    })
    expect(all).toBeGreaterThanOrEqual(numRuns)
    if (succeeds) expect(good / all).toBeGreaterThanOrEqual(0.5)
  })

  it('refuses invalid requests as documented', async () => {
    const edits = NEVER_REFUSES.has(route) ? validRequests(route) : invalidRequests(route)
    await each(edits, async (response) => {
      // A socket is refused by its close code.
      if (response.status === 101) return expect(await outcomeOf(response)).toBeGreaterThanOrEqual(4400)
      if (!NEVER_REFUSES.has(route) && !REPAIRED.has(route))
        expect(response.status).toBeGreaterThanOrEqual(400)
      expect(response.status).not.toBe(500)
      if (response.status >= 400)
        expect(response.headers.get('Content-Type')).toBe('application/problem+json')
      await documented(operation, response)
    })
  })
})
