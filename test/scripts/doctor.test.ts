import { describe, expect, test } from 'vitest'
import { examine, type Level } from '../../scripts/doctor/checks.ts'
import type { Deployment } from '../../scripts/doctor/deployment.ts'
import { configOf, ENVIRONMENTS } from '../../scripts/doctor/read.ts'

const SECRET = 'Zk3vQ9tLx7RbW2nYc5HdJ8sGmPfUeA1o4iTzXqKw'

/** A production deployment with nothing to find fault with. */
function aDeployment(overrides: Partial<Deployment> = {}): Deployment {
  return {
    environment: 'production',
    worker: 'exportal-production',
    vars: {
      ENVIRONMENT: 'production',
      PUBLIC_URL: 'https://exports.acme.org',
      RUNPOD_ENDPOINT: 'https://api.runpod.ai/v2/abc123',
      RATE_LIMIT_REQUESTS: '600',
      RATE_LIMIT_SECONDS: '60',
    },
    secrets: {
      known: 'values',
      values: {
        AUTH_SECRET: SECRET,
        RUNPOD_API_KEY: 'rp_key',
        WEBHOOK_SECRET: 'whsec_ZXhwb3J0YWwtdGVzdC13ZWJob29rLXNlY3JldA==',
      },
    },
    d1: [{ binding: 'DB', id: '6d2a1f0e-3f4b-4c5d-8e9f-001122334455' }],
    r2: [{ binding: 'VIDEOS', bucket: 'exportal-production-videos' }],
    actors: { EXPORT_JOB: 'ExportJob', UPLOAD: 'Upload' },
    rateLimit: { requests: 600, seconds: 60 },
    crons: ['*/5 * * * *'],
    observed: true,
    pendingMigrations: [],
    ...overrides,
  }
}

function withVars(vars: Record<string, string>): Deployment {
  return aDeployment({ vars: { ...aDeployment().vars, ...vars } })
}

function withSecrets(values: Record<string, string>): Deployment {
  const { secrets } = aDeployment()
  const known = secrets.known === 'values' ? secrets.values : {}
  return aDeployment({ secrets: { known: 'values', values: { ...known, ...values } } })
}

function levelsOf(deployment: Deployment): Record<string, Level> {
  return Object.fromEntries(examine(deployment).map(({ what, level }) => [what, level]))
}

describe('The doctor', () => {
  test('finds nothing wrong with a deployment that is right', () => {
    expect(examine(aDeployment()).filter(({ level }) => level !== 'good')).toEqual([])
  })

  test.each<[string, Deployment, string, Level]>([
    ['development deployed', withVars({ ENVIRONMENT: 'development' }), 'ENVIRONMENT', 'missing'],
    ['staging in production', withVars({ ENVIRONMENT: 'staging' }), 'ENVIRONMENT', 'missing'],
    ['no address', withVars({ PUBLIC_URL: '' }), 'PUBLIC_URL', 'missing'],
    ['an address in the clear', withVars({ PUBLIC_URL: 'http://exports.acme.org' }), 'PUBLIC_URL', 'missing'],
    ['an address nobody reaches', withVars({ PUBLIC_URL: 'https://localhost' }), 'PUBLIC_URL', 'missing'],
    ['an address that is none', withVars({ PUBLIC_URL: 'exports.acme.org' }), 'PUBLIC_URL', 'missing'],
    ['no secret', withSecrets({ AUTH_SECRET: '' }), 'AUTH_SECRET', 'missing'],
    ['a short secret', withSecrets({ AUTH_SECRET: 'short' }), 'AUTH_SECRET', 'missing'],
    ['a dull secret', withSecrets({ AUTH_SECRET: 'abab'.repeat(12) }), 'AUTH_SECRET', 'missing'],
    [
      'a weak one before it',
      withSecrets({ AUTH_SECRET_PREVIOUS: 'short' }),
      'AUTH_SECRET_PREVIOUS',
      'missing',
    ],
    [
      'a weak webhook secret before it',
      withSecrets({ WEBHOOK_SECRET_PREVIOUS: 'whsec_ZXhwb3J0YWwtZGV2ZWxvcG1lbnQtd2ViaG9vaw==' }),
      'WEBHOOK_SECRET_PREVIOUS',
      'missing',
    ],
    [
      'everybody’s secret',
      withSecrets({ AUTH_SECRET: 'exportal-development-secret-not-for-production' }),
      'AUTH_SECRET',
      'missing',
    ],
    ['a secret for all to read', withVars({ AUTH_SECRET: SECRET }), 'AUTH_SECRET', 'missing'],
    ['a rotation', withSecrets({ AUTH_SECRET_PREVIOUS: SECRET }), 'AUTH_SECRET_PREVIOUS', 'weak'],
    ['no endpoint', withVars({ RUNPOD_ENDPOINT: '' }), 'RUNPOD_ENDPOINT', 'missing'],
    ['an odd endpoint', withVars({ RUNPOD_ENDPOINT: 'https://api.runpod.ai' }), 'RUNPOD_ENDPOINT', 'weak'],
    ['no key of RunPod', withSecrets({ RUNPOD_API_KEY: '' }), 'RUNPOD_API_KEY', 'missing'],
    ['a key for all to read', withVars({ RUNPOD_API_KEY: 'rp' }), 'RUNPOD_API_KEY', 'missing'],
    ['no webhook secret', withSecrets({ WEBHOOK_SECRET: '' }), 'WEBHOOK_SECRET', 'weak'],
    ['a webhook secret of another form', withSecrets({ WEBHOOK_SECRET: 'abc' }), 'WEBHOOK_SECRET', 'missing'],
    ['an origin with a path', withVars({ ALLOWED_ORIGINS: 'https://a.org/x' }), 'ALLOWED_ORIGINS', 'missing'],
    ['an origin in the clear', withVars({ ALLOWED_ORIGINS: 'http://a.org' }), 'ALLOWED_ORIGINS', 'weak'],
    ['half the bindings', aDeployment({ actors: { EXPORT_JOB: 'ExportJob' } }), 'bindings', 'missing'],
    [
      'a placeholder for the database',
      aDeployment({ d1: [{ binding: 'DB', id: '00000000-0000-0000-0000-000000000000' }] }),
      'database_id',
      'missing',
    ],
    ['a database behind', aDeployment({ pendingMigrations: ['0003_x.sql'] }), 'migrations', 'missing'],
    ['half the keys of R2', withSecrets({ R2_ACCESS_KEY_ID: 'id' }), 'R2 S3 keys', 'missing'],
    ['a PUT that Cloudflare refuses', withVars({ MAX_PUT_BYTES: '200000000' }), 'MAX_PUT_BYTES', 'weak'],
    ['a size that is none', withVars({ MAX_PUT_BYTES: 'large' }), 'MAX_PUT_BYTES', 'missing'],
    ['no rate limit', aDeployment({ rateLimit: null }), 'RATE_LIMIT', 'weak'],
    ['headers that lie about it', withVars({ RATE_LIMIT_REQUESTS: '60' }), 'RATE_LIMIT', 'weak'],
    ['no sweep', aDeployment({ crons: [] }), 'crons', 'missing'],
    ['no logs', aDeployment({ observed: false }), 'observability', 'weak'],
  ])('%s', (_, deployment, what, level) => {
    expect(levelsOf(deployment)[what]).toBe(level)
  })

  test('believes Cloudflare that a secret is set, and asks for one that is not', () => {
    const deployment = aDeployment({ secrets: { known: 'names', names: ['AUTH_SECRET'] } })
    expect(levelsOf(deployment)).toMatchObject({ AUTH_SECRET: 'good', RUNPOD_API_KEY: 'missing' })
  })

  test('does not call missing what it could not look at', () => {
    const deployment = aDeployment({ secrets: { known: 'nothing' }, pendingMigrations: null })
    expect(levelsOf(deployment)).toMatchObject({ AUTH_SECRET: 'weak', RUNPOD_API_KEY: 'weak' })
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

describe('wrangler.toml', () => {
  /** What may differ between environments: ids, addresses and limits, never what is bound or which variables there are. */
  const shapeOf = (name: (typeof ENVIRONMENTS)[number]) => {
    const { vars, d1, r2, actors, rateLimit, crons, observed } = configOf(name)
    return {
      vars: Object.keys(vars).sort(),
      d1: d1.map(({ binding }) => binding),
      r2: r2.map(({ binding }) => binding),
      actors,
      limited: rateLimit !== null,
      crons,
      observed,
    }
  }

  test.each(['staging', 'production'] as const)('%s has what development has', (name) => {
    expect(shapeOf(name)).toEqual(shapeOf('development'))
  })

  test.each(ENVIRONMENTS)('%s tells clients the rate limit that it has', (name) => {
    const { vars, rateLimit } = configOf(name)
    expect(rateLimit).toEqual({
      requests: Number(vars.RATE_LIMIT_REQUESTS),
      seconds: Number(vars.RATE_LIMIT_SECONDS),
    })
  })

  test('no two environments share a Worker, a database or a bucket', () => {
    const all = ENVIRONMENTS.map((name) => configOf(name))
    for (const pick of [
      ({ worker }: (typeof all)[number]) => worker,
      ({ r2 }: (typeof all)[number]) => r2[0]?.bucket,
    ]) {
      expect(new Set(all.map(pick)).size).toBe(all.length)
    }
  })
})
