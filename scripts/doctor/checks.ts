/**
 * Checks of what a deployment requires, or should have, unless wrangler checks it itself. Pure: takes a configuration
 * and returns findings, each with a remedy. The rules of the settings themselves are those of `readSettings`.
 */
import { D1_LIMIT_BYTES, isNearD1Limit } from '../../actors/shared/d1-size.ts'
import { type ConfiguredEndpoint, endpointsOf, priceOf } from '../../actors/shared/endpoints.ts'
import { SECRET_NAMES, type SecretName, secretFault } from '../../actors/shared/secrets.ts'
import { environmentOf, LEAST_ROW_RETENTION_DAYS, positiveInteger } from '../../actors/shared/settings.ts'
import { type Deployment, settingOf } from './deployment.ts'
import { refusedSettings } from './refused.ts'

/**
 * `wrong`: must not be deployed. `missing`: can be deployed, but does not work until this is set. `weak`: works, but is
 * likely to cause trouble.
 */
export type Level = 'wrong' | 'missing' | 'weak' | 'good'

export interface Finding {
  level: Level
  /** The setting or resource. */
  what: string
  detail: string
}

/** Maximum request body of a Worker on Cloudflare's Free and Pro plans. */
const ZONE_BODY_BYTES = 100_000_000
const R2_S3 = ['R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY', 'R2_BUCKET'] as const

type Check = (deployment: Deployment) => Finding[]

/** All checks, in the order of the report. */
export function examine(deployment: Deployment): Finding[] {
  const findings = CHECKS.flatMap((check) => check(deployment))
  const refused = refusedSettings(deployment)
  for (const { what, level } of findings) if (level === 'wrong' || level === 'missing') refused.delete(what)
  return [
    ...findings.filter(({ what }) => !refused.has(what)),
    ...[...refused].flatMap(([name, detail]) => wrong(name, detail)),
  ]
}

const CHECKS: readonly Check[] = [
  environment,
  bindings,
  publicUrl,
  secrets,
  runpodEndpoint,
  runpodKey,
  price,
  origins,
  database,
  storage,
  sizes,
  lengths,
  rateLimit,
  schedule,
  logs,
]

const good = (what: string, detail: string): Finding[] => [{ level: 'good', what, detail }]
const weak = (what: string, detail: string): Finding[] => [{ level: 'weak', what, detail }]
const missing = (what: string, detail: string): Finding[] => [{ level: 'missing', what, detail }]
const wrong = (what: string, detail: string): Finding[] => [{ level: 'wrong', what, detail }]
const notAsked = (what: string) => weak(what, 'Not looked at; --remote asks Cloudflare.')

function environment({ environment: wanted, vars }: Deployment): Finding[] {
  const said = environmentOf(vars.ENVIRONMENT)
  if (said === 'development') {
    const detail = 'It says development, where requests from loopback need no token: never deploy that.'
    return wrong('ENVIRONMENT', detail)
  }
  if (said !== wanted) return wrong('ENVIRONMENT', `It means ${said}; set it to ${wanted}.`)
  return good('ENVIRONMENT', wanted)
}

const BINDINGS = ['DB', 'VIDEOS', 'EXPORT_JOB', 'UPLOAD', 'LANE']

/** Wrangler deploys without them: it does not know what the code asks of its environment. */
function bindings({ bindings: found, environment: name }: Deployment): Finding[] {
  const where =
    name === 'production' ? 'wrangler.toml' : `[env.${name}] of wrangler.toml, which inherits none`
  return BINDINGS.filter((each) => !found.includes(each)).flatMap((each) =>
    wrong(each, `There is no such binding in ${where}: take it from the repository’s.`),
  )
}

function publicUrl({ vars: { PUBLIC_URL: text } }: Deployment): Finding[] {
  if (!text) return good('PUBLIC_URL', 'Unset: the Worker’s address at workers.dev stands in.')
  if (!URL.canParse(text)) return wrong('PUBLIC_URL', `"${text}" is no URL.`)
  const { protocol, hostname, pathname, port } = new URL(text)
  if (protocol !== 'https:') return wrong('PUBLIC_URL', 'It must be https: callback tokens travel to it.')
  if (pathname !== '/' || port) return wrong('PUBLIC_URL', 'It must be a host alone, without a port or path.')
  if (['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.example.com'))
    return wrong('PUBLIC_URL', `RunPod cannot reach ${hostname}.`)
  return good('PUBLIC_URL', text)
}

function secrets(deployment: Deployment): Finding[] {
  return SECRET_NAMES.flatMap((name) => secret(deployment, name))
}

function secret(deployment: Deployment, name: SecretName): Finding[] {
  if (deployment.vars[name])
    return wrong(name, 'It stands in wrangler.toml for everyone to read: replace it.')
  const value = settingOf(deployment, name)
  if (value === null) return name.endsWith('_PREVIOUS') ? [] : unset(deployment, name)
  const fault = value === 'set' ? null : secretFault(name, value.text, false)
  if (fault !== null) return wrong(name, fault)
  if (name.endsWith('_PREVIOUS'))
    return weak(name, 'Still accepted; remove it when nothing needs it any more.')
  return good(name, value === 'set' ? 'Set; only you know how strong it is.' : 'Set, and long enough.')
}

function unset(deployment: Deployment, name: SecretName): Finding[] {
  if (!deployment.account) return notAsked(name)
  return name === 'AUTH_SECRET'
    ? missing(name, 'npm run deploy makes one, unless it runs in CI: openssl rand -base64 48')
    : weak(name, 'Without it no outgoing webhook is sent: echo "whsec_$(openssl rand -base64 32)"')
}

const ENDPOINT_URL = /^https?:\/\/[^/]+\/v2\/[\w-]+\/?$/
const ENDPOINT_FORM = 'https://api.runpod.ai/v2/<endpoint id>'

function runpodEndpoint({ vars: { RUNPOD_ENDPOINT: url, RUNPOD_ENDPOINTS: table } }: Deployment): Finding[] {
  if (table) return runpodEndpoints(table, url)
  if (!url?.trim()) return missing('RUNPOD_ENDPOINT', `Until it is ${ENDPOINT_FORM} no job is dispatched.`)
  const base = endpointsOf({ RUNPOD_ENDPOINT: url })?.values().next().value?.url
  if (base === undefined) return wrong('RUNPOD_ENDPOINT', `"${url}" is no URL such as ${ENDPOINT_FORM}.`)
  return ENDPOINT_URL.test(base)
    ? good('RUNPOD_ENDPOINT', `${base}, with any number of places: RUNPOD_ENDPOINTS sets a limit.`)
    : weak('RUNPOD_ENDPOINT', `${base} does not look like ${ENDPOINT_FORM}.`)
}

function runpodEndpoints(table: string, single: string | undefined): Finding[] {
  const name = 'RUNPOD_ENDPOINTS'
  const known = [...(endpointsOf({ RUNPOD_ENDPOINTS: table })?.values() ?? [])]
  if (known.length === 0)
    return wrong(
      name,
      `It is no JSON such as {"default":{"url":"${ENDPOINT_FORM}"}}, one of them called default.`,
    )
  const odd = known.find(({ url }) => !ENDPOINT_URL.test(url))
  const twice = known.find(({ url }, i) => known.findIndex((each) => each.url === url) < i)
  return [
    ...(twice
      ? weak(name, `${twice.url} has several names, whose places and turns know nothing of each other.`)
      : []),
    ...(odd
      ? weak(name, `${odd.url} does not look like ${ENDPOINT_FORM}.`)
      : good(name, known.map(endpointWords).join(', '))),
    ...(single ? weak('RUNPOD_ENDPOINT', `${name} counts in its place: remove it.`) : []),
  ]
}

function endpointWords({ name, url, places }: ConfiguredEndpoint): string {
  const many = places === null ? 'any number of places' : places === 1 ? '1 place' : `${places} places`
  return `${name} at ${url} with ${many}`
}

function runpodKey(deployment: Deployment): Finding[] {
  const name = 'RUNPOD_API_KEY'
  if (deployment.vars[name]) return wrong(name, 'It stands in wrangler.toml: revoke it at RunPod.')
  if (settingOf(deployment, name) !== null) return good(name, 'Set.')
  if (!deployment.account) return notAsked(name)
  return missing(name, 'A key restricted to this endpoint, from RunPod’s settings.')
}

function price({ vars: { GPU_PRICE_PER_SECOND: text } }: Deployment): Finding[] {
  const name = 'GPU_PRICE_PER_SECOND'
  if (!text || priceOf(text) !== null) return []
  return wrong(name, `"${text}" is no price such as 0.00031, so no cost would be shown.`)
}

function origins({ vars }: Deployment): Finding[] {
  const origins = (vars.ALLOWED_ORIGINS ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
  if (origins.length === 0)
    return good('ALLOWED_ORIGINS', 'No other site’s pages may call; its own pages may.')
  const odd = origins.filter((each) => !/^https?:\/\/(\*\.)?[^/*\s]+$/.test(each))
  if (odd.length > 0) return wrong('ALLOWED_ORIGINS', `Not an origin: ${odd.join(', ')}.`)
  const open = origins.filter((each) => each.startsWith('http://') && !each.startsWith('http://localhost'))
  return open.length > 0
    ? weak('ALLOWED_ORIGINS', `Anyone on the way can speak for ${open.join(', ')}: use https.`)
    : good('ALLOWED_ORIGINS', origins.join(', '))
}

function database({ database: name, account }: Deployment): Finding[] {
  if (!account) return []
  if (account.databaseBytes === null) return good('database', `${name} comes with the first deployment.`)
  const [used, limit] = [account.databaseBytes, D1_LIMIT_BYTES].map((bytes) => (bytes / 1e9).toFixed(2))
  const detail = `${name} holds ${used} of ${limit} GB.`
  return isNearD1Limit(account.databaseBytes)
    ? weak('database', `${detail} At the limit no job is accepted: delete old ones.`)
    : good('database', detail)
}

/** All keys of S3 or none: with some of them missing, bytes silently go through the Worker. */
function storage(deployment: Deployment): Finding[] {
  const names = [...R2_S3, deployment.vars.R2_S3_ENDPOINT ? 'R2_S3_ENDPOINT' : 'R2_ACCOUNT_ID']
  const own = deployment.vars.R2_S3_ENDPOINT?.trim()
  if (own && !/^https?:\/\/[^?#\s]+$/i.test(own)) return wrong('R2_S3_ENDPOINT', `"${own}" is no URL.`)
  const set = names.filter((name) => settingOf(deployment, name) !== null)
  if (set.length === names.length) return good('R2 S3 keys', 'Bytes go straight to R2 by presigned URLs.')
  if (set.length === 0) return good('R2 S3 keys', 'None: bytes go through the Worker.')
  if (!deployment.account) return notAsked('R2 S3 keys')
  const absent = names.filter((name) => !set.includes(name))
  return wrong('R2 S3 keys', `Half a set: ${absent.join(', ')} not set, so the others are not used.`)
}

/** Settings of which the service ignores anything but a positive integer. */
const NUMBERS = [
  'MAX_UPLOAD_BYTES',
  'MAX_PUT_BYTES',
  'ROW_RETENTION_DAYS',
  'MAX_ACTIVE_JOBS_PER_PROJECT',
] as const

function sizes({ vars }: Deployment): Finding[] {
  const odd = NUMBERS.filter((name) => vars[name] && positiveInteger(vars[name]) === null)
  if (odd.length > 0)
    return odd.flatMap((name) => wrong(name, `"${vars[name]}" is no whole number, so it would be ignored.`))
  if (vars.ROW_RETENTION_DAYS && Number(vars.ROW_RETENTION_DAYS) < LEAST_ROW_RETENTION_DAYS) {
    const detail = `${vars.ROW_RETENTION_DAYS} days count as ${LEAST_ROW_RETENTION_DAYS}: no row goes before its params.`
    return weak('ROW_RETENTION_DAYS', detail)
  }
  const put = Number(vars.MAX_PUT_BYTES || 95_000_000)
  if (put > ZONE_BODY_BYTES) {
    const detail = `${put} is more than Cloudflare lets through on the Free and Pro plans (100 MB).`
    return weak('MAX_PUT_BYTES', detail)
  }
  return good('MAX_PUT_BYTES', `${put} bytes in one PUT; larger files go in parts.`)
}

/** The limit of one variable or secret (developers.cloudflare.com/workers/platform/limits, environment variables). */
const MAX_SETTING_BYTES = 5 * 1024

function lengths({ vars, secrets }: Deployment): Finding[] {
  return Object.entries({ ...vars, ...secrets }).flatMap(([name, value]) => {
    const bytes = Buffer.byteLength(value)
    return bytes > MAX_SETTING_BYTES
      ? wrong(name, `It has ${bytes} bytes; Cloudflare takes ${MAX_SETTING_BYTES}.`)
      : []
  })
}

function rateLimit({ rateLimit: bound, vars }: Deployment): Finding[] {
  if (!bound) return weak('RATE_LIMIT', 'There is no such binding, so a token may call as often as it likes.')
  const { RATE_LIMIT_REQUESTS: requests, RATE_LIMIT_SECONDS: seconds } = vars
  if (Number(requests) !== bound.requests || Number(seconds) !== bound.seconds) {
    const detail = `The binding allows ${bound.requests} in ${bound.seconds} s, the variables tell clients ${requests} in ${seconds} s.`
    return weak('RATE_LIMIT', detail)
  }
  return good('RATE_LIMIT', `${bound.requests} requests a token in ${bound.seconds} s.`)
}

function schedule({ crons }: Deployment): Finding[] {
  return crons.length > 0
    ? good('crons', crons.join(', '))
    : wrong('crons', 'Without a cron trigger nothing sweeps: a lost alarm stays lost.')
}

function logs({ observed }: Deployment): Finding[] {
  return observed
    ? good('observability', 'Logs are kept.')
    : weak('observability', 'Logs are not kept: enable it.')
}
