/**
 * What must be true of a deployment before it serves, and what should be. Pure: a configuration goes in, findings come
 * out, each a sentence that says what to do. The rules of the settings themselves are those of `readSettings`.
 */
import { SECRET_NAMES, type SecretName, secretFault } from '../../actors/secrets.ts'
import { environmentOf } from '../../actors/settings.ts'
import { type Deployment, settingOf } from './deployment.ts'

/** `missing`: it does not serve, or loses something. `weak`: it serves, and somebody will be sorry. */
export type Level = 'missing' | 'weak' | 'good'

export interface Finding {
  level: Level
  /** The setting or resource. */
  what: string
  detail: string
}

const PLACEHOLDER_ID = /^0{8}-/
/** What Cloudflare lets through to a Worker on its Free and Pro plans. */
const ZONE_BODY_BYTES = 100_000_000
const R2_S3 = ['R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY', 'R2_BUCKET'] as const
const ACTORS: Record<string, string> = { EXPORT_JOB: 'ExportJob', UPLOAD: 'Upload' }

type Check = (deployment: Deployment) => Finding[]

/** Every check, in the order of the report. */
export function examine(deployment: Deployment): Finding[] {
  return CHECKS.flatMap((check) => check(deployment))
}

const CHECKS: readonly Check[] = [
  environment,
  publicUrl,
  secrets,
  runpod,
  origins,
  resources,
  database,
  storage,
  sizes,
  rateLimit,
  schedule,
  logs,
]

const good = (what: string, detail: string): Finding[] => [{ level: 'good', what, detail }]
const weak = (what: string, detail: string): Finding[] => [{ level: 'weak', what, detail }]
const missing = (what: string, detail: string): Finding[] => [{ level: 'missing', what, detail }]
const isLocal = ({ environment }: Deployment) => environment === 'development'

function environment({ environment: wanted, vars }: Deployment): Finding[] {
  const said = environmentOf(vars.ENVIRONMENT)
  if (wanted !== 'development' && said === 'development') {
    return missing(
      'ENVIRONMENT',
      'It says development, where requests from loopback need no token: never deploy that.',
    )
  }
  if (wanted !== 'development' && said !== wanted)
    return missing('ENVIRONMENT', `It means ${said}; set it to ${wanted}.`)
  return good('ENVIRONMENT', wanted)
}

function publicUrl(deployment: Deployment): Finding[] {
  const text = deployment.vars.PUBLIC_URL
  if (!text) {
    if (isLocal(deployment)) return good('PUBLIC_URL', 'The address that a request came by stands in.')
    return missing(
      'PUBLIC_URL',
      'Set it to where RunPod reaches this Worker, such as https://exports.example.com.',
    )
  }
  if (!URL.canParse(text)) return missing('PUBLIC_URL', `"${text}" is no URL.`)
  const { protocol, hostname } = new URL(text)
  if (isLocal(deployment)) return good('PUBLIC_URL', text)
  if (protocol !== 'https:') return missing('PUBLIC_URL', 'It must be https: callback tokens travel to it.')
  if (['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.example.com'))
    return missing('PUBLIC_URL', `RunPod cannot reach ${hostname}.`)
  return good('PUBLIC_URL', text)
}

function secrets(deployment: Deployment): Finding[] {
  return SECRET_NAMES.flatMap((name) => secret(deployment, name))
}

function secret(deployment: Deployment, name: SecretName): Finding[] {
  if (deployment.vars[name])
    return missing(
      name,
      'It stands in wrangler.toml, for everyone to read: make a new one and use wrangler secret put.',
    )
  const value = settingOf(deployment, name)
  if (value === null) return name.endsWith('_PREVIOUS') ? [] : unset(deployment, name)
  const fault = value === 'set' ? null : secretFault(name, value.text, isLocal(deployment))
  if (fault !== null) return missing(name, fault)
  if (name.endsWith('_PREVIOUS'))
    return weak(name, 'Still accepted; remove it when nothing needs it any more.')
  return good(name, value === 'set' ? 'Set; only you know how strong it is.' : 'Set, and long enough.')
}

function unset(deployment: Deployment, name: SecretName): Finding[] {
  if (isLocal(deployment)) return good(name, 'The built-in development secret stands in.')
  if (deployment.secrets.known === 'nothing') return weak(name, 'Not looked at; --remote asks Cloudflare.')
  return name === 'AUTH_SECRET'
    ? missing(name, 'Make one with: openssl rand -base64 48')
    : weak(name, 'Without it no outgoing webhook is sent: echo "whsec_$(openssl rand -base64 32)"')
}

function runpod(deployment: Deployment): Finding[] {
  const findings: Finding[] = []
  const endpoint = deployment.vars.RUNPOD_ENDPOINT
  if (!endpoint) {
    const detail = 'Set it to https://api.runpod.ai/v2/<endpoint id>; without it no job can be dispatched.'
    findings.push(
      ...(isLocal(deployment)
        ? weak('RUNPOD_ENDPOINT', 'npm start sets it to runpod-local.')
        : missing('RUNPOD_ENDPOINT', detail)),
    )
  } else if (!/^https?:\/\/[^/]+\/v2\/[\w-]+\/?$/.test(endpoint)) {
    findings.push(
      ...weak('RUNPOD_ENDPOINT', `${endpoint} does not look like https://api.runpod.ai/v2/<endpoint id>.`),
    )
  } else findings.push(...good('RUNPOD_ENDPOINT', endpoint))
  const key = settingOf(deployment, 'RUNPOD_API_KEY')
  if (deployment.vars.RUNPOD_API_KEY)
    findings.push(
      ...missing('RUNPOD_API_KEY', 'It stands in wrangler.toml: revoke it, and use wrangler secret put.'),
    )
  else if (key !== null) findings.push(...good('RUNPOD_API_KEY', 'Set.'))
  else if (deployment.secrets.known === 'nothing')
    findings.push(...weak('RUNPOD_API_KEY', 'Not looked at; --remote asks Cloudflare.'))
  else if (isLocal(deployment))
    findings.push(...weak('RUNPOD_API_KEY', 'npm start sets one for runpod-local.'))
  else
    findings.push(...missing('RUNPOD_API_KEY', 'A key restricted to this endpoint, from RunPod’s settings.'))
  return findings
}

function origins({ vars }: Deployment): Finding[] {
  const origins = (vars.ALLOWED_ORIGINS ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
  if (origins.length === 0)
    return good('ALLOWED_ORIGINS', 'No other site’s pages may call; its own pages may.')
  const wrong = origins.filter((each) => !/^https?:\/\/(\*\.)?[^/*\s]+$/.test(each))
  if (wrong.length > 0) return missing('ALLOWED_ORIGINS', `Not an origin: ${wrong.join(', ')}.`)
  const open = origins.filter((each) => each.startsWith('http://') && !each.startsWith('http://localhost'))
  return open.length > 0
    ? weak('ALLOWED_ORIGINS', `Anyone on the way can speak for ${open.join(', ')}: use https.`)
    : good('ALLOWED_ORIGINS', origins.join(', '))
}

function resources({ d1, r2, actors }: Deployment): Finding[] {
  const absent = [
    ...(d1.some(({ binding }) => binding === 'DB') ? [] : ['DB (D1)']),
    ...(r2.some(({ binding }) => binding === 'VIDEOS') ? [] : ['VIDEOS (R2)']),
    ...Object.keys(ACTORS).filter((name) => actors[name] !== ACTORS[name]),
  ]
  return absent.length > 0
    ? missing('bindings', `wrangler.toml lacks ${absent.join(', ')} in this environment.`)
    : good('bindings', 'DB, VIDEOS, EXPORT_JOB and UPLOAD are there.')
}

function database(deployment: Deployment): Finding[] {
  const id = deployment.d1.find(({ binding }) => binding === 'DB')?.id ?? ''
  const findings: Finding[] = []
  if (!isLocal(deployment)) {
    findings.push(
      ...(PLACEHOLDER_ID.test(id) || id === ''
        ? missing('database_id', 'Put the id that wrangler d1 create prints into wrangler.toml.')
        : good('database_id', id)),
    )
  }
  const pending = deployment.pendingMigrations
  if (pending === null) return findings
  return [
    ...findings,
    ...(pending.length > 0
      ? missing('migrations', `Not applied yet: ${pending.join(', ')}. npm run deploy applies them.`)
      : good('migrations', 'All applied.')),
  ]
}

/** All of them, or none: half a set of keys silently means that bytes go through the Worker. */
function storage(deployment: Deployment): Finding[] {
  const names = [...R2_S3, deployment.vars.R2_S3_ENDPOINT ? 'R2_S3_ENDPOINT' : 'R2_ACCOUNT_ID']
  const set = names.filter((name) => settingOf(deployment, name) !== null)
  if (set.length === names.length) return good('R2 S3 keys', 'Bytes go straight to R2 by presigned URLs.')
  if (set.length === 0) return good('R2 S3 keys', 'None: bytes go through the Worker.')
  if (deployment.secrets.known === 'nothing')
    return weak('R2 S3 keys', 'Not looked at; --remote asks Cloudflare.')
  const absent = names.filter((name) => !set.includes(name))
  return missing('R2 S3 keys', `Half a set: ${absent.join(', ')} not set, so the others are not used.`)
}

function sizes({ vars }: Deployment): Finding[] {
  const put = Number(vars.MAX_PUT_BYTES || 95_000_000)
  if (!(put > 0)) return missing('MAX_PUT_BYTES', `"${vars.MAX_PUT_BYTES}" is no number of bytes.`)
  if (put > ZONE_BODY_BYTES) {
    const detail = `${put} is more than Cloudflare lets through on the Free and Pro plans (100 MB).`
    return weak('MAX_PUT_BYTES', detail)
  }
  return good('MAX_PUT_BYTES', `${put} bytes in one PUT; larger files go in parts.`)
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
    : missing('crons', 'Without a cron trigger nothing sweeps: a lost alarm stays lost.')
}

function logs({ observed }: Deployment): Finding[] {
  return observed
    ? good('observability', 'Logs are kept.')
    : weak('observability', 'Logs are not kept: enable it.')
}
