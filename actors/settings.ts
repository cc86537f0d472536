/**
 * The deployment's settings, read once from the environment. Unset or unknown ENVIRONMENT means production, and in
 * production a missing or weak secret is named and refuses to serve: it never falls open.
 */
import {
  DEVELOPMENT_SECRET,
  DEVELOPMENT_WEBHOOK_SECRET,
  SECRET_NAMES,
  type SecretName,
  secretFault,
} from './secrets.ts'

/** What the Worker and the actor both read; every one can be set with `wrangler dev --var NAME:value`. */
export interface SettingsEnv {
  ENVIRONMENT?: string
  PUBLIC_URL?: string
  AUTH_SECRET?: string
  AUTH_SECRET_PREVIOUS?: string
  RUNPOD_ENDPOINT?: string
  RUNPOD_API_KEY?: string
  GPU_PRICE_PER_SECOND?: string
  WEBHOOK_SECRET?: string
  WEBHOOK_SECRET_PREVIOUS?: string
}

export type Environment = 'development' | 'staging' | 'production'

export interface Settings {
  environment: Environment
  /** Without a trailing slash; null only in development, where the request's origin stands in. */
  publicUrl: string | null
  /** The current secret first; the previous one is accepted while a rotation is under way. */
  authSecrets: readonly [string, ...string[]]
  runpodEndpoint: string | null
  runpodApiKey: string | null
  gpuPricePerSecond: number | null
  /** `whsec_…` keys that sign outgoing webhooks, the current one first; none means that none are sent. */
  webhookSecrets: readonly string[]
}

export type SettingsAnswer = { ok: true; settings: Settings } | { ok: false; missing: string[] }

/**
 * Reads the settings, or names each setting that is missing, or a secret that is too weak for this environment. A weak
 * previous secret is named like a weak current one: what it signed would stop working without a word otherwise.
 */
export function readSettings(env: SettingsEnv): SettingsAnswer {
  const environment = environmentOf(env.ENVIRONMENT)
  const development = environment === 'development'
  const missing: string[] = []
  const publicUrl = originOf(env.PUBLIC_URL)
  if (!publicUrl && (!development || env.PUBLIC_URL)) missing.push('PUBLIC_URL')
  const current = env.AUTH_SECRET || (development ? DEVELOPMENT_SECRET : '')
  if (!current) missing.push('AUTH_SECRET')
  missing.push(...weakSecrets(env, development))
  if (missing.length > 0) return { ok: false, missing }
  return {
    ok: true,
    settings: {
      environment,
      publicUrl,
      authSecrets: env.AUTH_SECRET_PREVIOUS ? [current, env.AUTH_SECRET_PREVIOUS] : [current],
      runpodEndpoint: env.RUNPOD_ENDPOINT?.replace(/\/+$/, '') || null,
      runpodApiKey: env.RUNPOD_API_KEY || null,
      gpuPricePerSecond: priceOf(env.GPU_PRICE_PER_SECOND),
      webhookSecrets: webhookSecretsOf(env, development),
    },
  }
}

const known = new WeakMap<SettingsEnv, SettingsAnswer>()

/** The same, read once for each environment, which stays the same for as long as the isolate lives. */
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

/** Unset or unknown means production. */
export function environmentOf(name: string | undefined): Environment {
  return name === 'development' || name === 'staging' ? name : 'production'
}

function originOf(text: string | undefined): string | null {
  if (!text || !URL.canParse(text)) return null
  const url = new URL(text)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.href.replace(/\/+$/, '') : null
}

function priceOf(text: string | undefined): number | null {
  const price = Number(text)
  return text && Number.isFinite(price) && price > 0 ? price : null
}
