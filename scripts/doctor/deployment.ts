/** What the doctor looks at: one deployment's configuration, as far as it could be read. */

export interface Deployment {
  /** `development`, `staging` or `production`: what ENVIRONMENT says, or is meant to say. */
  environment: string
  worker: string
  /** `[vars]` of wrangler.toml. */
  vars: Readonly<Record<string, string>>
  secrets: Secrets
  d1: readonly { binding: string; id: string }[]
  r2: readonly { binding: string; bucket: string }[]
  /** Class names by binding. */
  actors: Readonly<Record<string, string>>
  rateLimit: { requests: number; seconds: number } | null
  crons: readonly string[]
  observed: boolean
  /** Files of `migrations/` that the database has not seen; null when nobody asked it. */
  pendingMigrations: readonly string[] | null
}

/** `values`: read from a file of this computer. `names`: Cloudflare tells what is set, and never to what. */
export type Secrets =
  | { known: 'values'; values: Readonly<Record<string, string>> }
  | { known: 'names'; names: readonly string[] }
  | { known: 'nothing' }

/** A secret's or variable's value; `set` when all that is known is that it has one; null when it has none. */
export function settingOf(deployment: Deployment, name: string): { text: string } | 'set' | null {
  const { secrets, vars } = deployment
  if (secrets.known === 'values' && secrets.values[name]) return { text: secrets.values[name] }
  if (secrets.known === 'names' && secrets.names.includes(name)) return 'set'
  return vars[name] ? { text: vars[name] } : null
}
