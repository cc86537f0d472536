/**
 * The authorization matrix: every route with every way in which a caller's credentials can be wrong. It is complete by
 * construction: a route without a row fails, and so does a row without a route.
 */
import { describe, expect, it, vi } from 'vitest'
import { signedQuery } from '../../../actors/shared/signing.ts'
import type { Grant } from '../../../src/auth/access-token.ts'
import { OPERATIONS } from '../../../src/openapi/index.ts'
import type { Operation } from '../../../src/openapi/operation.ts'
import { ROUTES } from '../../../src/router.ts'
import type { Scope } from '../../../wire/tokens.ts'
import { assertion } from '../../support/workerd/access.ts'
import { COLUMNS, type Column, EXPECTED } from '../../support/workerd/access-table.ts'
import { outcomeOf } from '../../support/workerd/answers.ts'
import { HOUR } from '../../support/workerd/clock.ts'
import { pathOf, SECRET, useHttpWorld } from '../../support/workerd/http.ts'
import { foreignCallbackToken, PROJECT, prepare, type Ready, send } from '../../support/workerd/operations.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'
import { companionFor, planFor } from '../../support/workerd/uploads.ts'

const world = useHttpWorld()

/** Not loopback, so that no caller is treated as the developer. */
const ELSEWHERE = 'http://exportal.test'
const STRANGE_SECRET = 'x'.repeat(40)
const OTHER_PROJECT = 2
const OTHER_JOB = '0192f000-0000-7000-8000-00000000a0b1'

/** These require a token that is confined to no project. */
const OVER_ALL = new Set([
  'GET /api/admin/stats',
  'GET /api/admin/metrics',
  'GET /api/admin/lanes',
  'POST /api/admin/lanes/:name/actions',
])

it('speaks of every route, and of no other', () => {
  const routes = ROUTES.map(({ method, path }) => `${method} ${path}`)
  expect(Object.keys(EXPECTED).toSorted()).toEqual(routes.toSorted())
  for (const row of Object.values(EXPECTED)) expect(row.split(' ')).toHaveLength(COLUMNS.length)
})

describe.each(Object.entries(EXPECTED))('%s', (route, row) => {
  const cells = row.split(' ').map((status, i) => [COLUMNS[i] ?? 'right', status] as const)

  // Prepared once: what is refused leaves all as it was, and the right caller comes last.
  let prepared: Ready | undefined

  it.each(cells.filter(([, status]) => status !== '-'))('%s: %s', async (column, status) => {
    const operation = OPERATIONS.find((each) => each.route === route)
    if (!operation) throw new Error(`${route} is not written down.`)
    prepared ??= await prepare(route, world.runs)
    const request = await withAuthority(operation, prepared, column)
    expect(await outcomeOf(await send(route, request, ELSEWHERE))).toBe(Number(status))
  })
})

/** The valid request with the credentials of this column. */
function withAuthority(operation: Operation, ready: Ready, column: Column): Promise<Ready> {
  const { access, signature } = operation
  const within = OVER_ALL.has(operation.route) ? null : PROJECT
  if (access !== 'signed') return withToken(ready, column, access === 'open' ? 'any' : access, within)
  switch (signature) {
    case 'signed URL or token':
      return withToken({ ...ready, query: {} }, column, 'jobs:read')
    case 'callback token':
      return withCallbackToken(ready, column)
    case 'token in path':
      return withTokenInPath(ready, column)
    case 'Access assertion':
      return withAssertion(ready, column)
    default:
      return withSignedUrl(ready, column)
  }
}

/** @param within the project of the right token */
async function withToken(
  ready: Ready,
  column: Column,
  scope: Scope | 'any',
  within: number | null = PROJECT,
): Promise<Ready> {
  if (column === 'none') return ready
  const scopes: readonly Scope[] = scope === 'any' ? ['jobs:read'] : [scope]
  const others = (['jobs:read', 'jobs:write', 'videos:write'] as const).filter((each) => each !== scope)
  const wrong: Record<Exclude<Column, 'none'>, Partial<Grant>> = {
    expired: {},
    forged: {},
    scope: { scopes: scope === 'any' ? [] : others },
    project: { projectId: OTHER_PROJECT },
    job: { projectId: null, jobId: OTHER_JOB },
    right: {},
  }
  const secret = column === 'forged' ? STRANGE_SECRET : SECRET
  const ttlMs = column === 'expired' ? -60_000 : HOUR
  const token = await tokenOf({ scopes, projectId: within, ...wrong[column] }, secret, ttlMs)
  return { ...ready, headers: { ...ready.headers, ...bearer(token) } }
}

async function withCallbackToken(ready: Ready, column: Column): Promise<Ready> {
  const { Authorization: right = '', ...headers } = ready.headers
  const sent: Partial<Record<Column, string>> = {
    right,
    forged: altered(right),
    scope: bearer(await tokenOf()).Authorization,
    job: `Bearer ${foreignCallbackToken(OTHER_JOB)}`,
    expired: right,
  }
  if (column === 'expired') passTime()
  const Authorization = sent[column]
  return { ...ready, headers: { ...headers, ...(Authorization && { Authorization }) } }
}

async function withAssertion(ready: Ready, column: Column): Promise<Ready> {
  const wrong: Partial<Record<Column, Parameters<typeof assertion>[0]>> = {
    expired: { ttlSeconds: -60 },
    forged: { forged: true },
    scope: { claims: { aud: ['another application'] } },
  }
  return { ...ready, headers: column === 'none' ? {} : await assertion(wrong[column]) }
}

async function withSignedUrl(ready: Ready, column: Column): Promise<Ready> {
  const { sig = '', exp = '', ...limits } = ready.query
  switch (column) {
    case 'none':
      return { ...ready, query: limits }
    case 'expired':
      passTime()
      return ready
    case 'forged':
      return { ...ready, query: { ...limits, exp, sig: altered(sig) } }
    case 'scope': {
      const signed = signedQuery(SECRET, 'download', `GET ${ready.params.key}`, limits, Date.now() + HOUR)
      return { ...ready, query: Object.fromEntries(new URLSearchParams(signed)) }
    }
    case 'project':
      return { ...ready, query: { ...ready.query, project: String(OTHER_PROJECT) } }
    case 'job':
      return ready.params.key === undefined
        ? { ...ready, query: { ...ready.query, job: OTHER_JOB } }
        : { ...ready, params: { ...ready.params, key: 'input/other/clip.mp4' } }
    case 'right':
      return ready
  }
}

async function withTokenInPath(ready: Ready, column: Column): Promise<Ready> {
  const right = ready.params.token ?? ''
  const tokens: Record<Column, () => string | Promise<string>> = {
    none: () => 'none',
    expired: () => right,
    forged: () => altered(right),
    scope: () => tokenOf(),
    project: async () => lastOf(await companionFor(OTHER_PROJECT)),
    job: async () => lastOf((await planFor(200_000_000)).multipart?.companion_url ?? ''),
    right: () => right,
  }
  const token = await tokens[column]()
  if (column === 'expired') passTime()
  return { ...ready, params: { ...ready.params, token } }
}

/** Lets everything expire that was issued before. */
function passTime(): void {
  vi.setSystemTime(Date.now() + 30 * 24 * HOUR)
}

/** Changes one character of the signature. */
function altered(signed: string): string {
  return signed.slice(0, -2) + (signed.at(-2) === 'A' ? 'B' : 'A') + signed.slice(-1)
}

function lastOf(url: string): string {
  return pathOf(new URL(url, ELSEWHERE).href).split('/').at(-1) ?? ''
}
