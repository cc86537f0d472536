/** The configuration of one environment, as far as it could be read: the doctor's input, and what is deployed. */
import type { EnvironmentName } from '../wrangler.ts'

export interface Deployment {
  environment: EnvironmentName
  worker: string
  /** Names of the resources. */
  database: string
  bucket: string
  /** Names of bindings that the configuration has; those of D1, R2 and the actors. */
  bindings: readonly string[]
  /** `[vars]` of wrangler.toml. */
  vars: Readonly<Record<string, string>>
  /** The environment's own file of secrets, which a deployment uploads; empty without such a file. */
  secrets: Readonly<Record<string, string>>
  rateLimit: { requests: number; seconds: number } | null
  crons: readonly string[]
  observed: boolean
  /** Null when Cloudflare was not queried. */
  account: Account | null
}

/** The state of the deployment in the Cloudflare account. */
export interface Account {
  /** Bytes; null when the account has no database of that name. */
  databaseBytes: number | null
  /** Names of the secrets that are set; Cloudflare never returns their values. Null when there is no such Worker. */
  secrets: readonly string[] | null
}

/** A setting's value; `set` when only its existence is known; null when it is unset. */
export function settingOf(deployment: Deployment, name: string): { text: string } | 'set' | null {
  const { secrets, vars, account } = deployment
  if (secrets[name]) return { text: secrets[name] }
  if (account?.secrets?.includes(name)) return 'set'
  return vars[name] ? { text: vars[name] } : null
}
