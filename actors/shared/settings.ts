/**
 * The deployment's settings, parsed once from the environment. Unset or unknown ENVIRONMENT means production, where a
 * missing or weak secret is named and the service refuses to serve.
 */
import { type Endpoints, endpointsOf } from './endpoints.ts'
import { instantOf } from './instant.ts'
import {
  DEVELOPMENT_SECRET,
  DEVELOPMENT_WEBHOOK_SECRET,
  SECRET_NAMES,
  type SecretName,
  secretFault,
} from './secrets.ts'

/**
 * Every setting by its name, and whether it is a secret. A test compares them with the README, `.dev.vars.example`,
 * `package.json` and `wrangler.toml`. Each can be set with `wrangler dev --var NAME:value`.
 */
export const SETTINGS = {
  ENVIRONMENT: 'variable',
  PUBLIC_URL: 'variable',
  AUTH_SECRET: 'secret',
  AUTH_SECRET_PREVIOUS: 'secret',
  /** Access tokens issued before this instant are invalid. Format: `2026-01-31T12:00:00Z`. */
  TOKENS_NOT_BEFORE: 'variable',
  /** Cloudflare Access in front of the operators' pages: `<team>.cloudflareaccess.com`, and the application's audience. */
  ACCESS_TEAM_DOMAIN: 'variable',
  ACCESS_AUD: 'variable',
  /** The operators among those admitted by Access: email addresses, comma-separated; unset means all of them. */
  ACCESS_ADMINS: 'variable',
  RUNPOD_ENDPOINT: 'variable',
  /** Several endpoints by name, as JSON, instead of RUNPOD_ENDPOINT and its price. */
  RUNPOD_ENDPOINTS: 'variable',
  RUNPOD_API_KEY: 'secret',
  GPU_PRICE_PER_SECOND: 'variable',
  WEBHOOK_SECRET: 'secret',
  WEBHOOK_SECRET_PREVIOUS: 'secret',
  /** Origins that browsers may call from, comma-separated; the `*` in `https://*.example.com` matches one label. */
  ALLOWED_ORIGINS: 'variable',
  /** The maximum size of an upload, in bytes. */
  MAX_UPLOAD_BYTES: 'variable',
  /** The maximum size of an upload in one PUT, in bytes: at most what the zone allows for a request to a Worker. */
  MAX_PUT_BYTES: 'variable',
  /** How long the row of a retired job stays in the list, in days from its end; unset means a year. */
  ROW_RETENTION_DAYS: 'variable',
  /** The most unfinished jobs of one project; unset means any number. */
  MAX_ACTIVE_JOBS_PER_PROJECT: 'variable',
  /**
   * The configuration of the binding in wrangler.toml, for the headers of a refusal: requests per this many seconds.
   */
  RATE_LIMIT_REQUESTS: 'variable',
  RATE_LIMIT_SECONDS: 'variable',
  /** With these four, bytes are sent directly to R2 by presigned URLs; without them through the Worker. */
  R2_ACCOUNT_ID: 'variable',
  R2_BUCKET: 'variable',
  R2_ACCESS_KEY_ID: 'secret',
  R2_SECRET_ACCESS_KEY: 'secret',
  /** Replaces the account's own S3 endpoint: another jurisdiction, or another S3-compatible store. */
  R2_S3_ENDPOINT: 'variable',
} as const satisfies Record<string, 'variable' | 'secret'>

/** The settings in the environment of the Worker and the actors. */
export type SettingsEnv = { [Name in keyof typeof SETTINGS]?: string }

export type Environment = 'development' | 'staging' | 'production'

export interface AccessSettings {
  /** The issuer of its assertions, which publishes the keys: `https://<team>.cloudflareaccess.com`. */
  issuer: string
  audience: string
  /** In lower case; null for all whom Access admits. */
  admins: ReadonlySet<string> | null
}

export interface Settings {
  environment: Environment
  /** Without a trailing slash; null only in development, where the request's origin is used instead. */
  publicUrl: string | null
  /** The current secret first; the previous one is accepted during a rotation. */
  authSecrets: readonly [string, ...string[]]
  /** Access tokens issued before are invalid; milliseconds, 0 for no limit. */
  tokensNotBefore: number
  /** Cloudflare Access, by which operators sign in; null without it. */
  access: AccessSettings | null
  /** RunPod's endpoints by name; empty when none is set. */
  endpoints: Endpoints
  runpodApiKey: string | null
  /** `whsec_…` keys that sign outgoing webhooks, the current one first; without one, no webhooks are sent. */
  webhookSecrets: readonly string[]
}

export type SettingsAnswer = { ok: true; settings: Settings } | { ok: false; missing: string[] }

/**
 * Parses the settings, or returns the name of each setting that is missing or invalid, and of each secret too weak for
 * this environment. This includes previous secrets, because ignoring one would silently invalidate what it signed.
 */
export function readSettings(env: SettingsEnv): SettingsAnswer {
  const environment = environmentOf(env.ENVIRONMENT)
  const development = environment === 'development'
  const missing: string[] = []
  const publicUrl = baseOf(env.PUBLIC_URL)
  if (!publicUrl && (!development || env.PUBLIC_URL)) missing.push('PUBLIC_URL')
  const current = env.AUTH_SECRET || (development ? DEVELOPMENT_SECRET : '')
  if (!current) missing.push('AUTH_SECRET')
  missing.push(...weakSecrets(env, development))
  // An invalid value is an error, since ignoring it would accept the tokens it should invalidate.
  const tokensNotBefore = env.TOKENS_NOT_BEFORE ? instantOf(env.TOKENS_NOT_BEFORE) : 0
  if (tokensNotBefore === null) missing.push('TOKENS_NOT_BEFORE')
  const access = accessOf(env, development)
  if (!access.ok) missing.push(access.missing)
  const endpoints = endpointsOf(env)
  if (!endpoints) missing.push(env.RUNPOD_ENDPOINTS?.trim() ? 'RUNPOD_ENDPOINTS' : 'RUNPOD_ENDPOINT')
  const runpodApiKey = env.RUNPOD_API_KEY?.trim() || null
  // Anything else cannot be sent in a header: every call to RunPod would fail without an answer.
  if (runpodApiKey !== null && !/^[\x21-\x7e]+$/.test(runpodApiKey)) missing.push('RUNPOD_API_KEY')
  if (!endpoints || tokensNotBefore === null || !access.ok || missing.length > 0)
    return { ok: false, missing }
  return {
    ok: true,
    settings: {
      environment,
      publicUrl,
      authSecrets: env.AUTH_SECRET_PREVIOUS ? [current, env.AUTH_SECRET_PREVIOUS] : [current],
      tokensNotBefore,
      access: access.settings,
      endpoints,
      runpodApiKey,
      webhookSecrets: webhookSecretsOf(env, development),
    },
  }
}

const known = new WeakMap<SettingsEnv, SettingsAnswer>()

/** The parsed settings, cached by environment, which is constant for the lifetime of the isolate. */
export function settingsOf(env: SettingsEnv): SettingsAnswer {
  const answer = known.get(env) ?? readSettings(env)
  known.set(env, answer)
  return answer
}

function weakSecrets(env: SettingsEnv, development: boolean): SecretName[] {
  return SECRET_NAMES.filter((name) => {
    const text = env[name]
    return text && secretFault(name, text, development) !== null
  })
}

function webhookSecretsOf(env: SettingsEnv, development: boolean): string[] {
  const given = [env.WEBHOOK_SECRET, env.WEBHOOK_SECRET_PREVIOUS].flatMap((text) => text || [])
  return given.length === 0 && development ? [DEVELOPMENT_WEBHOOK_SECRET] : given
}

/** The least of ROW_RETENTION_DAYS: the month for which the row of a retired job keeps its params. */
export const LEAST_ROW_RETENTION_DAYS = 30

/** Parses a variable as a positive integer; null when it is unset or invalid. */
export function positiveInteger(text: string | undefined): number | null {
  const value = Number(text)
  return text && Number.isSafeInteger(value) && value > 0 ? value : null
}

/** Unset or unknown means production. */
export function environmentOf(name: string | undefined): Environment {
  return name === 'development' || name === 'staging' ? name : 'production'
}

type AccessAnswer = { ok: true; settings: AccessSettings | null } | { ok: false; missing: keyof SettingsEnv }

/** A partial configuration would admit nobody, or everybody. @param development allows keys from http origins */
function accessOf(env: SettingsEnv, development: boolean): AccessAnswer {
  const { ACCESS_TEAM_DOMAIN, ACCESS_AUD, ACCESS_ADMINS: named } = env
  const [team, audience] = [ACCESS_TEAM_DOMAIN?.trim(), ACCESS_AUD?.trim()]
  if (!team && !audience)
    return named ? { ok: false, missing: 'ACCESS_TEAM_DOMAIN' } : { ok: true, settings: null }
  const issuer = baseOf(team?.includes('://') ? team : `https://${team ?? ''}`)
  if (!team || !issuer || !(development || issuer.startsWith('https:')))
    return { ok: false, missing: 'ACCESS_TEAM_DOMAIN' }
  if (!audience) return { ok: false, missing: 'ACCESS_AUD' }
  const admins = (named ?? '').split(',').flatMap((each) => each.trim().toLowerCase() || [])
  return { ok: true, settings: { issuer, audience, admins: admins.length > 0 ? new Set(admins) : null } }
}

/** A URL to which paths can be appended, without a trailing slash; null for any other text. */
function baseOf(text: string | undefined): string | null {
  if (!text || !URL.canParse(text)) return null
  const { protocol, href, search, hash, username, password } = new URL(text)
  if (protocol !== 'https:' && protocol !== 'http:') return null
  return search || hash || username || password ? null : href.replace(/[/?#]+$/, '')
}
