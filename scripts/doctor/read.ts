/** Reads a deployment's configuration: from wrangler.toml and `.dev.vars`, or by wrangler's own answers. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv, promisify } from 'node:util'
import { unstable_readConfig } from 'wrangler'
import { ROOT, WRANGLER, WRANGLER_QUIET } from '../stack.ts'
import type { Deployment, Secrets } from './deployment.ts'

/** The environments of wrangler.toml; development is its top level. */
export const ENVIRONMENTS = ['development', 'staging', 'production'] as const
export type EnvironmentName = (typeof ENVIRONMENTS)[number]

/** @param remote asks Cloudflare, by wrangler's login, which secrets are set and which migrations are not applied */
export async function readDeployment(environment: EnvironmentName, remote: boolean): Promise<Deployment> {
  const config = configOf(environment)
  const [secrets, pendingMigrations] = remote
    ? await Promise.all([remoteSecrets(environment), remoteMigrations(environment)])
    : [localSecrets(environment), null]
  return { ...config, secrets, pendingMigrations }
}

/** What is read of wrangler's own form of the configuration. */
interface Config {
  name?: string
  vars: Record<string, unknown>
  d1_databases: { binding: string; database_id?: string }[]
  r2_buckets: { binding: string; bucket_name?: string | symbol }[]
  durable_objects: { bindings: { name: string; class_name: string }[] }
  ratelimits: { name: string; simple: { limit: number; period: number } }[]
  triggers: { crons?: string[] | undefined }
  observability?: { enabled?: boolean | undefined } | undefined
}

/** @throws when wrangler.toml cannot be read, or has no such environment */
export function configOf(environment: EnvironmentName): Omit<Deployment, 'secrets' | 'pendingMigrations'> {
  const env = environment === 'development' ? {} : { env: environment }
  const config: Config = unstable_readConfig(
    { config: join(ROOT, 'wrangler.toml'), ...env },
    { hideWarnings: true },
  )
  const limit = config.ratelimits.find(({ name }) => name === 'RATE_LIMIT')?.simple
  const vars = Object.entries(config.vars).map(([name, value]) => [name, String(value)] as const)
  return {
    environment,
    worker: config.name ?? '',
    vars: Object.fromEntries(vars),
    d1: config.d1_databases.map(({ binding, database_id }) => ({ binding, id: database_id ?? '' })),
    r2: config.r2_buckets.map(({ binding, bucket_name }) => ({ binding, bucket: String(bucket_name ?? '') })),
    actors: Object.fromEntries(config.durable_objects.bindings.map((each) => [each.name, each.class_name])),
    rateLimit: limit ? { requests: limit.limit, seconds: limit.period } : null,
    crons: config.triggers.crons ?? [],
    observed: config.observability?.enabled === true,
  }
}

/** A developer's own `.dev.vars` says nothing of what is deployed; a deployment's secrets may stand in a file of its own. */
function localSecrets(environment: EnvironmentName): Secrets {
  const name = environment === 'development' ? '.dev.vars' : `.dev.vars.${environment}`
  const path = join(ROOT, name)
  if (existsSync(path)) {
    const pairs = Object.entries(parseEnv(readFileSync(path, 'utf8')))
    return { known: 'values', values: Object.fromEntries(pairs.map(([key, value]) => [key, value ?? ''])) }
  }
  return environment === 'development' ? { known: 'values', values: {} } : { known: 'nothing' }
}

async function remoteSecrets(environment: EnvironmentName): Promise<Secrets> {
  const listed: unknown = JSON.parse(await wrangler(['secret', 'list', '--format', 'json'], environment))
  if (!Array.isArray(listed)) throw new Error('wrangler secret list answered no list.')
  return { known: 'names', names: listed.map(({ name }: { name: string }) => name) }
}

async function remoteMigrations(environment: EnvironmentName): Promise<string[]> {
  const text = await wrangler(['d1', 'migrations', 'list', 'DB', '--remote'], environment)
  return [...new Set(text.match(/\d{4}_\w+\.sql/g) ?? [])]
}

/** @throws with wrangler's own words */
async function wrangler(args: readonly string[], environment: EnvironmentName): Promise<string> {
  const target = environment === 'development' ? [] : ['--env', environment]
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [WRANGLER, ...args, ...target], {
      cwd: ROOT,
      env: { ...process.env, ...WRANGLER_QUIET, CI: '1' },
    })
    return stdout
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
    throw new Error(`wrangler ${args.join(' ')} failed:\n${(stderr || stdout).trim()}`)
  }
}
