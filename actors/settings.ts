/**
 * The deployment's settings, read once from the environment. Unset or unknown ENVIRONMENT means production, and in
 * production a missing secret is named and refuses to serve: it never falls open.
 */

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

/** Shorter secrets can be guessed; 32 characters of base64 carry 192 bits. */
export const LEAST_SECRET_LENGTH = 32

/** Signs on a developer's own computer only; refused everywhere else. */
export const DEVELOPMENT_SECRET = 'exportal-development-secret-not-for-production'

export type SettingsAnswer = { ok: true; settings: Settings } | { ok: false; missing: string[] }

/** Reads the settings, or names each setting that is missing or too weak for this environment. */
export function readSettings(env: SettingsEnv): SettingsAnswer {
  const environment = environmentOf(env.ENVIRONMENT)
  const development = environment === 'development'
  const missing: string[] = []
  const publicUrl = originOf(env.PUBLIC_URL)
  if (!publicUrl && (!development || env.PUBLIC_URL)) missing.push('PUBLIC_URL')
  const secret = env.AUTH_SECRET || (development ? DEVELOPMENT_SECRET : '')
  const strong = secret.length >= LEAST_SECRET_LENGTH && (development || secret !== DEVELOPMENT_SECRET)
  if (!strong) missing.push('AUTH_SECRET')
  if (missing.length > 0) return { ok: false, missing }
  const previous = env.AUTH_SECRET_PREVIOUS
  return {
    ok: true,
    settings: {
      environment,
      publicUrl,
      authSecrets: previous && previous.length >= LEAST_SECRET_LENGTH ? [secret, previous] : [secret],
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

/** Signs on a developer's own computer only. */
export const DEVELOPMENT_WEBHOOK_SECRET = 'whsec_ZXhwb3J0YWwtZGV2ZWxvcG1lbnQtd2ViaG9vaw=='

function webhookSecretsOf(env: SettingsEnv, development: boolean): string[] {
  const given = [env.WEBHOOK_SECRET, env.WEBHOOK_SECRET_PREVIOUS].filter(isWebhookSecret)
  return given.length === 0 && development ? [DEVELOPMENT_WEBHOOK_SECRET] : given
}

/** The Standard Webhooks form: `whsec_` and 24 to 64 bytes of base64. */
export function isWebhookSecret(text: string | undefined): text is string {
  return text !== undefined && /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(text)
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
