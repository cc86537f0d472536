/**
 * Who gets in where: every route against every way in which a caller can be wrong. The table is complete by
 * construction: a route that is not in it fails, and so does a line for a route that is gone.
 */
import { describe, expect, it, vi } from 'vitest'
import { signedQuery } from '../../actors/signing.ts'
import type { Grant, Scope } from '../../src/access-token.ts'
import { OPERATIONS } from '../../src/openapi/index.ts'
import type { Operation } from '../../src/openapi/operation.ts'
import { ROUTES } from '../../src/router.ts'
import { outcomeOf } from '../support/workerd/answers.ts'
import { HOUR, pathOf, SECRET, useHttpWorld } from '../support/workerd/http.ts'
import { foreignCallbackToken, PROJECT, prepare, type Ready, send } from '../support/workerd/operations.ts'
import { bearer, tokenOf } from '../support/workerd/tokens.ts'
import { companionFor, planFor } from '../support/workerd/uploads.ts'

const world = useHttpWorld()

/** Not this computer, so that nobody is the developer. */
const ELSEWHERE = 'http://exportal.test'
const STRANGE_SECRET = 'x'.repeat(40)
const OTHER_PROJECT = 2
const OTHER_JOB = '0192f000-0000-7000-8000-00000000a0b1'

const COLUMNS = ['none', 'expired', 'forged', 'scope', 'project', 'job', 'right'] as const
type Column = (typeof COLUMNS)[number]

/**
 * The status for each column: without authority, with one that has expired, one with a bad signature, the wrong scope
 * or purpose, that of another project, that of another job or file, and the right one. A socket is told by its close
 * code. `-`: the authority names no project or no job that could be another.
 */
const EXPECTED: Record<string, string> = {
  // Open to everyone, whatever they carry.
  'GET /health': '200 200 200 200 200 200 200',
  'GET /errors/:code': '200 200 200 200 200 200 200',
  'GET /openapi.json': '200 200 200 200 200 200 200',
  // By access token. Another project's list is empty, and the types of job are nobody's secret.
  'POST /api/jobs': '401 401 401 403 403 403 201',
  'GET /api/jobs': '401 401 401 403 200 403 200',
  'GET /api/jobs/:id': '401 401 401 403 404 404 200',
  'DELETE /api/jobs/:id': '401 401 401 403 404 404 202',
  'POST /api/jobs/:id/cancel': '401 401 401 403 404 404 200',
  'POST /api/jobs/:id/retry': '401 401 401 403 404 404 200',
  'POST /api/jobs/:id/webhooks/:delivery/redeliver': '401 401 401 403 404 404 202',
  'GET /api/jobs/:id/ws': '4401 4401 4401 4403 4404 4404 101',
  'GET /api/jobs/:id/events': '401 401 401 403 404 404 200',
  'POST /api/videos/upload-url': '401 401 401 403 403 403 200',
  'GET /api/videos/download/:key+': '401 401 401 403 404 404 200',
  'POST /api/uploads': '401 401 401 403 403 403 200',
  'GET /api/job-types': '401 401 401 403 200 200 200',
  // Figures over all projects, which no token of one project may see.
  'GET /api/admin/stats': '401 401 401 403 403 403 200',
  'GET /api/admin/jobs/:id': '401 401 401 403 404 404 200',
  'POST /api/admin/jobs/:id/actions': '401 401 401 403 404 404 200',
  'POST /api/tokens': '401 401 401 403 403 403 201',
  // By the callback token of one attempt.
  'POST /api/jobs/:id/do/progress': '401 401 401 401 - 401 200',
  'POST /api/jobs/:id/do/complete': '401 401 401 401 - 401 200',
  'POST /api/jobs/:id/do/error': '401 401 401 401 - 401 200',
  // By signed URL.
  'POST /api/runpod/callback': '401 403 403 403 - 403 200',
  'PUT /api/videos/upload/:key+': '401 403 403 403 403 403 201',
  'PUT /api/uploads/part/:key+': '401 403 403 403 - 403 200',
  // By a token in the path, which makes new files of its own project and speaks of no other.
  'POST /api/uploads/:token/s3/multipart': '403 403 403 403 - - 200',
  'GET /api/uploads/:token/s3/multipart/:upload': '403 403 403 403 404 404 200',
  'DELETE /api/uploads/:token/s3/multipart/:upload': '403 403 403 403 404 404 200',
  'POST /api/uploads/:token/s3/multipart/:upload/complete': '403 403 403 403 404 404 200',
  'GET /api/uploads/:token/s3/multipart/:upload/progress': '403 403 403 403 404 404 200',
  'GET /api/uploads/:token/s3/multipart/:upload/:part': '403 403 403 403 404 404 200',
  'GET /api/uploads/:token/s3/params': '403 403 403 403 - - 400',
}

/** These need a token that is confined to no project. */
const OVER_ALL = new Set(['GET /api/admin/stats'])

it('speaks of every route, and of no other', () => {
  const routes = ROUTES.map(({ method, path }) => `${method} ${path}`)
  expect(Object.keys(EXPECTED).toSorted()).toEqual(routes.toSorted())
  for (const row of Object.values(EXPECTED)) expect(row.split(' ')).toHaveLength(COLUMNS.length)
})

describe.each(Object.entries(EXPECTED))('%s', (route, row) => {
  const cells = row.split(' ').map((status, i) => [COLUMNS[i] ?? 'right', status] as const)

  it.each(cells.filter(([, status]) => status !== '-'))('%s: %s', async (column, status) => {
    const operation = OPERATIONS.find((each) => each.route === route)
    if (!operation) throw new Error(`${route} is not written down.`)
    const ready = await prepare(route, world.runs)
    const request = await withAuthority(operation, ready, column)
    expect(await outcomeOf(await send(route, request, ELSEWHERE))).toBe(Number(status))
  })
})

/** The right request but for its authority, which is wrong in the way of this column. */
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

/** Whatever was given out before has expired. */
function passTime(): void {
  vi.setSystemTime(Date.now() + 30 * 24 * HOUR)
}

/** One character of the signature is another. */
function altered(signed: string): string {
  return signed.slice(0, -2) + (signed.at(-2) === 'A' ? 'B' : 'A') + signed.slice(-1)
}

function lastOf(url: string): string {
  return pathOf(new URL(url, ELSEWHERE).href).split('/').at(-1) ?? ''
}
