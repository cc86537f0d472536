import { describe, expect, test } from 'vitest'
import { readSettings } from '../../actors/shared/settings.ts'
import { examine, type Level } from '../../scripts/doctor/checks.ts'
import type { Deployment } from '../../scripts/doctor/deployment.ts'

const SECRET = 'Zk3vQ9tLx7RbW2nYc5HdJ8sGmPfUeA1o4iTzXqKw'

/** A production deployment without faults. */
function aDeployment(overrides: Partial<Deployment> = {}): Deployment {
  return {
    environment: 'production',
    worker: 'exportal',
    database: 'exportal',
    bucket: 'exportal-videos',
    bindings: ['DB', 'VIDEOS', 'EXPORT_JOB', 'UPLOAD', 'LANE'],
    vars: {
      PUBLIC_URL: 'https://exports.acme.org',
      RUNPOD_ENDPOINT: 'https://api.runpod.ai/v2/abc123',
      RATE_LIMIT_REQUESTS: '600',
      RATE_LIMIT_SECONDS: '60',
    },
    secrets: {
      AUTH_SECRET: SECRET,
      RUNPOD_API_KEY: 'rp_key',
      WEBHOOK_SECRET: 'whsec_ZXhwb3J0YWwtdGVzdC13ZWJob29rLXNlY3JldA==',
    },
    rateLimit: { requests: 600, seconds: 60 },
    crons: ['*/5 * * * *'],
    observed: true,
    account: { databaseBytes: 2_000_000_000, secrets: [] },
    ...overrides,
  }
}

function withVars(vars: Record<string, string>): Deployment {
  return aDeployment({ vars: { ...aDeployment().vars, ...vars } })
}

function withSecrets(values: Record<string, string>): Deployment {
  return aDeployment({ secrets: { ...aDeployment().secrets, ...values } })
}

/** Without secrets in a local file; those of the account are given. */
function withAccount(secrets: readonly string[] | null, databaseBytes: number | null = 0): Deployment {
  return aDeployment({ secrets: {}, account: { databaseBytes, secrets } })
}

function levelsOf(deployment: Deployment): Record<string, Level> {
  return Object.fromEntries(examine(deployment).map(({ what, level }) => [what, level]))
}

describe('The doctor', () => {
  test('finds nothing wrong with a deployment that is right', () => {
    expect(examine(aDeployment()).filter(({ level }) => level !== 'good')).toEqual([])
  })

  test.each<[string, Deployment, string, Level]>([
    ['development deployed', withVars({ ENVIRONMENT: 'development' }), 'ENVIRONMENT', 'wrong'],
    ['staging in production', withVars({ ENVIRONMENT: 'staging' }), 'ENVIRONMENT', 'wrong'],
    ['no address', withVars({ PUBLIC_URL: '' }), 'PUBLIC_URL', 'good'],
    ['an address in the clear', withVars({ PUBLIC_URL: 'http://exports.acme.org' }), 'PUBLIC_URL', 'wrong'],
    ['an address nobody reaches', withVars({ PUBLIC_URL: 'https://localhost' }), 'PUBLIC_URL', 'wrong'],
    ['an address with a path', withVars({ PUBLIC_URL: 'https://acme.org/exports' }), 'PUBLIC_URL', 'wrong'],
    ['an address with a port', withVars({ PUBLIC_URL: 'https://acme.org:8443' }), 'PUBLIC_URL', 'wrong'],
    ['an address that is none', withVars({ PUBLIC_URL: 'exports.acme.org' }), 'PUBLIC_URL', 'wrong'],
    ['no secret', withSecrets({ AUTH_SECRET: '' }), 'AUTH_SECRET', 'missing'],
    ['a short secret', withSecrets({ AUTH_SECRET: 'short' }), 'AUTH_SECRET', 'wrong'],
    ['a dull secret', withSecrets({ AUTH_SECRET: 'abab'.repeat(12) }), 'AUTH_SECRET', 'wrong'],
    ['a weak one before it', withSecrets({ AUTH_SECRET_PREVIOUS: 'short' }), 'AUTH_SECRET_PREVIOUS', 'wrong'],
    [
      'a weak webhook secret before it',
      withSecrets({ WEBHOOK_SECRET_PREVIOUS: 'whsec_ZXhwb3J0YWwtZGV2ZWxvcG1lbnQtd2ViaG9vaw==' }),
      'WEBHOOK_SECRET_PREVIOUS',
      'wrong',
    ],
    [
      'everybody’s secret',
      withSecrets({ AUTH_SECRET: 'exportal-development-secret-not-for-production' }),
      'AUTH_SECRET',
      'wrong',
    ],
    ['a secret for all to read', withVars({ AUTH_SECRET: SECRET }), 'AUTH_SECRET', 'wrong'],
    ['a rotation', withSecrets({ AUTH_SECRET_PREVIOUS: SECRET }), 'AUTH_SECRET_PREVIOUS', 'weak'],
    ['no endpoint', withVars({ RUNPOD_ENDPOINT: '' }), 'RUNPOD_ENDPOINT', 'missing'],
    ['an odd endpoint', withVars({ RUNPOD_ENDPOINT: 'https://api.runpod.ai' }), 'RUNPOD_ENDPOINT', 'weak'],
    ['an endpoint that is no URL', withVars({ RUNPOD_ENDPOINT: 'abc123' }), 'RUNPOD_ENDPOINT', 'wrong'],
    [
      'the address of an operation',
      withVars({ RUNPOD_ENDPOINT: 'https://api.runpod.ai/v2/abc123/run' }),
      'RUNPOD_ENDPOINT',
      'good',
    ],
    ['a price with a comma', withVars({ GPU_PRICE_PER_SECOND: '0,0003' }), 'GPU_PRICE_PER_SECOND', 'wrong'],
    ['endpoints that are no JSON', withVars({ RUNPOD_ENDPOINTS: '{' }), 'RUNPOD_ENDPOINTS', 'wrong'],
    [
      'no default endpoint',
      withVars({ RUNPOD_ENDPOINTS: '{"h100":{"url":"https://api.runpod.ai/v2/a"}}' }),
      'RUNPOD_ENDPOINTS',
      'wrong',
    ],
    [
      'an odd endpoint among several',
      withVars({ RUNPOD_ENDPOINTS: '{"default":{"url":"https://api.runpod.ai"}}' }),
      'RUNPOD_ENDPOINTS',
      'weak',
    ],
    [
      'an endpoint beside the table of them',
      withVars({ RUNPOD_ENDPOINTS: '{"default":{"url":"https://api.runpod.ai/v2/a"}}' }),
      'RUNPOD_ENDPOINT',
      'weak',
    ],
    ['no key of RunPod', withSecrets({ RUNPOD_API_KEY: '' }), 'RUNPOD_API_KEY', 'missing'],
    ['a key for all to read', withVars({ RUNPOD_API_KEY: 'rp' }), 'RUNPOD_API_KEY', 'wrong'],
    ['no webhook secret', withSecrets({ WEBHOOK_SECRET: '' }), 'WEBHOOK_SECRET', 'weak'],
    ['a webhook secret of another form', withSecrets({ WEBHOOK_SECRET: 'abc' }), 'WEBHOOK_SECRET', 'wrong'],
    ['an origin with a path', withVars({ ALLOWED_ORIGINS: 'https://a.org/x' }), 'ALLOWED_ORIGINS', 'wrong'],
    ['an origin in the clear', withVars({ ALLOWED_ORIGINS: 'http://a.org' }), 'ALLOWED_ORIGINS', 'weak'],
    ['a database that fills up', withAccount([], 8_000_000_000), 'database', 'weak'],
    ['a database with room', withAccount([], 7_900_000_000), 'database', 'good'],
    ['no database yet', withAccount(null, null), 'database', 'good'],
    ['half the keys of R2', withSecrets({ R2_ACCESS_KEY_ID: 'id' }), 'R2 S3 keys', 'wrong'],
    ['a PUT that Cloudflare refuses', withVars({ MAX_PUT_BYTES: '200000000' }), 'MAX_PUT_BYTES', 'weak'],
    [
      'rows kept for less than their params',
      withVars({ ROW_RETENTION_DAYS: '7' }),
      'ROW_RETENTION_DAYS',
      'weak',
    ],
    ['a size that is none', withVars({ MAX_PUT_BYTES: 'large' }), 'MAX_PUT_BYTES', 'wrong'],
    [
      'a setting too long for Cloudflare',
      withVars({ ACCESS_ADMINS: 'a@b.org,'.repeat(700) }),
      'ACCESS_ADMINS',
      'wrong',
    ],
    ['a size in words', withVars({ MAX_UPLOAD_BYTES: '5 GB' }), 'MAX_UPLOAD_BYTES', 'wrong'],
    [
      'a limit in words',
      withVars({ MAX_ACTIVE_JOBS_PER_PROJECT: 'ten' }),
      'MAX_ACTIVE_JOBS_PER_PROJECT',
      'wrong',
    ],
    ['half a day', withVars({ ROW_RETENTION_DAYS: '0.5' }), 'ROW_RETENTION_DAYS', 'wrong'],
    ['a store that is no URL', withVars({ R2_S3_ENDPOINT: 's3.acme.org' }), 'R2_S3_ENDPOINT', 'wrong'],
    ['no rate limit', aDeployment({ rateLimit: null }), 'RATE_LIMIT', 'weak'],
    ['headers that lie about it', withVars({ RATE_LIMIT_REQUESTS: '60' }), 'RATE_LIMIT', 'weak'],
    ['no sweep', aDeployment({ crons: [] }), 'crons', 'wrong'],
    ['no logs', aDeployment({ observed: false }), 'observability', 'weak'],
  ])('%s', (_, deployment, what, level) => {
    expect(levelsOf(deployment)[what]).toBe(level)
  })

  test('believes Cloudflare that a secret is set, and asks for one that is not', () => {
    const deployment = withAccount(['AUTH_SECRET'])
    expect(levelsOf(deployment)).toMatchObject({ AUTH_SECRET: 'good', RUNPOD_API_KEY: 'missing' })
  })

  test('does not call missing what it could not look at', () => {
    const deployment = aDeployment({ secrets: {}, account: null })
    expect(levelsOf(deployment)).toMatchObject({ AUTH_SECRET: 'weak', RUNPOD_API_KEY: 'weak' })
  })

  test('names each endpoint with its places', () => {
    const url = (id: string) => `https://api.runpod.ai/v2/${id}`
    const table = { default: { url: url('a'), places: 6 }, h100: { url: url('b') } }
    const said = examine(withVars({ RUNPOD_ENDPOINTS: JSON.stringify(table) }))
    expect(said.find(({ what }) => what === 'RUNPOD_ENDPOINTS')).toMatchObject({
      level: 'good',
      detail: `default at ${url('a')} with 6 places, h100 at ${url('b')} with any number of places`,
    })
  })

  test.each([
    ['PUBLIC_URL', 'https://exports.acme.org/?x=1'],
    ['PUBLIC_URL', 'https://user:word@exports.acme.org'],
    ['TOKENS_NOT_BEFORE', 'yesterday'],
    ['ACCESS_TEAM_DOMAIN', 'acme.cloudflareaccess.com'],
    ['ACCESS_AUD', 'f00d'],
    ['ACCESS_ADMINS', 'ada@acme.org'],
    ['RUNPOD_API_KEY', 'rp key'],
    ['RUNPOD_ENDPOINTS', '{}'],
    ['AUTH_SECRET_PREVIOUS', 'short'],
  ])('calls wrong what the service refuses to serve with: %s %s', (name, text) => {
    const isSecret = /SECRET|KEY/.test(name)
    const deployment = isSecret ? withSecrets({ [name]: text }) : withVars({ [name]: text })
    const answer = readSettings({ ...deployment.vars, ...deployment.secrets })
    const refused = answer.ok ? [] : answer.missing
    expect(refused).toHaveLength(1)
    const wrong = examine(deployment).filter(({ level }) => level === 'wrong')
    expect(wrong.map(({ what }) => what)).toEqual(refused)
    const said = examine(deployment).filter(({ what }) => what === refused[0])
    expect(said).toHaveLength(1)
  })

  test.each(aDeployment().bindings)('calls wrong a configuration without %s', (name) => {
    const bindings = aDeployment().bindings.filter((each) => each !== name)
    expect(levelsOf(aDeployment({ bindings }))[name]).toBe('wrong')
  })

  test('warns of an endpoint with two names', () => {
    const url = 'https://api.runpod.ai/v2/a'
    const table = { default: { url, places: 6 }, h100: { url: `${url}/` } }
    const said = examine(withVars({ RUNPOD_ENDPOINTS: JSON.stringify(table) }))
    expect(said).toContainEqual(expect.objectContaining({ what: 'RUNPOD_ENDPOINTS', level: 'weak' }))
  })

  test('never prints a secret', () => {
    const values = {
      AUTH_SECRET: SECRET,
      RUNPOD_API_KEY: 'rp_secret_key',
      WEBHOOK_SECRET: 'whsec_wrong_form',
    }
    const said = JSON.stringify(examine(withSecrets(values)))
    for (const secret of Object.values(values)) expect(said).not.toContain(secret)
  })
})
