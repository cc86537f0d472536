/** Reads the state of a deployment in the Cloudflare account, by wrangler's login. */
import { type Wrangler, WranglerError } from '../wrangler.ts'
import type { Account } from './deployment.ts'

/** @throws WranglerError when Cloudflare does not answer, or refuses the login */
export async function readAccount(wrangler: Wrangler, database: string): Promise<Account> {
  const [info, secrets] = await Promise.all([
    unless(/Couldn't find a D1 DB/, wrangler.run(['d1', 'info', database, '--json'])),
    unless(/Worker ".*" not found/, wrangler.run(['secret', 'list', '--format', 'json'])),
  ])
  return {
    // Omitted by wrangler when it is 0.
    databaseBytes: info === null ? null : Number(fieldOf(JSON.parse(info), 'database_size') ?? 0),
    secrets: secrets === null ? null : listOf(JSON.parse(secrets)).map((each) => `${fieldOf(each, 'name')}`),
  }
}

/** The URL at workers.dev that the active version has as its PUBLIC_URL; null when it has none. */
export async function workersDevUrl(wrangler: Wrangler): Promise<string | null> {
  // Expected for a Worker that exists only because of `wrangler secret put`.
  const status = await unless(/has no deployments/, wrangler.run(['deployments', 'status', '--json']))
  if (status === null) return null
  const [version] = listOf(fieldOf(JSON.parse(status), 'versions'))
  const shown = await wrangler.run(['versions', 'view', `${fieldOf(version, 'version_id')}`, '--json'])
  const bindings = listOf(fieldOf(fieldOf(JSON.parse(shown), 'resources'), 'bindings'))
  const url = fieldOf(
    bindings.find((each) => fieldOf(each, 'name') === 'PUBLIC_URL'),
    'text',
  )
  return typeof url === 'string' && /^https:\/\/[^/]+\.workers\.dev$/.test(url) ? url : null
}

/** Null in place of an expected error. */
async function unless(expected: RegExp, answer: Promise<string>): Promise<string | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof WranglerError && expected.test(error.message)) return null
    throw error
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new WranglerError('wrangler answered no list where one was expected.')
  return value
}
