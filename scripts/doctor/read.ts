/** Reads an environment's configuration: wrangler.toml, and the file of secrets that a deployment uploads. */
import { join } from 'node:path'
import { unstable_readConfig } from 'wrangler'
import { type EnvironmentName, ROOT, secretsFileOf, secretsIn } from '../wrangler.ts'
import type { Deployment } from './deployment.ts'

/** The fields that are read from wrangler's form of the configuration. */
interface Config {
  name?: string
  vars: Record<string, unknown>
  d1_databases: { binding: string; database_name?: string }[]
  r2_buckets: { binding: string; bucket_name?: string | symbol }[]
  durable_objects: { bindings: { name: string }[] }
  ratelimits: { name: string; simple: { limit: number; period: number } }[]
  triggers: { crons?: string[] | undefined }
  observability?: { enabled?: boolean | undefined } | undefined
}

/** @throws when wrangler.toml cannot be read, or has no such environment */
export function readDeployment(environment: EnvironmentName, root = ROOT): Deployment {
  const env = environment === 'production' ? {} : { env: environment }
  const config: Config = unstable_readConfig(
    { config: join(root, 'wrangler.toml'), ...env },
    { hideWarnings: true },
  )
  const limit = config.ratelimits.find(({ name }) => name === 'RATE_LIMIT')?.simple
  const vars = Object.entries(config.vars).map(([name, value]) => [name, String(value)] as const)
  return {
    environment,
    worker: config.name ?? '',
    database: config.d1_databases.find(({ binding }) => binding === 'DB')?.database_name ?? '',
    bucket: String(config.r2_buckets.find(({ binding }) => binding === 'VIDEOS')?.bucket_name ?? ''),
    bindings: [
      ...[...config.d1_databases, ...config.r2_buckets].map(({ binding }) => binding),
      ...config.durable_objects.bindings.map(({ name }) => name),
    ],
    vars: Object.fromEntries(vars),
    secrets: secretsIn(join(root, secretsFileOf(environment))),
    rateLimit: limit ? { requests: limit.limit, seconds: limit.period } : null,
    crons: config.triggers.crons ?? [],
    observed: config.observability?.enabled === true,
    account: null,
  }
}
