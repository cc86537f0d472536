/** Checks that wrangler.toml and the documented lists of settings match the code. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { SETTINGS } from '../../actors/shared/settings.ts'
import { readDeployment } from '../../scripts/doctor/read.ts'
import { ENVIRONMENTS, type EnvironmentName, ROOT } from '../../scripts/wrangler.ts'

/** The parts used of wrangler's own form of the configuration. */
interface Config {
  vars: Record<string, unknown>
  d1_databases: { binding: string; database_id?: string; database_name?: string; migrations_dir?: string }[]
  r2_buckets: { binding: string }[]
  durable_objects: { bindings: { name: string; class_name: string }[] }
  ratelimits: { name: string; namespace_id: string }[]
  version_metadata?: { binding: string }
  triggers: unknown
  observability?: unknown
  compatibility_flags: string[]
  routes?: unknown
  route?: unknown
  workers_dev?: boolean
}

const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const configOf = (name: EnvironmentName): Config =>
  unstable_readConfig(
    { config: join(ROOT, 'wrangler.toml'), ...(name !== 'production' && { env: name }) },
    { hideWarnings: true },
  )

describe('wrangler.toml', () => {
  /** Environments may differ in names, URLs and limits, never in bindings or the set of variables. */
  const shapeOf = (name: EnvironmentName) => {
    const config = configOf(name)
    return {
      vars: Object.keys(config.vars).sort(),
      d1: config.d1_databases.map(({ binding, migrations_dir }) => [binding, migrations_dir]),
      r2: config.r2_buckets.map(({ binding }) => binding),
      actors: config.durable_objects.bindings.map((each) => [each.name, each.class_name]),
      limits: config.ratelimits.map(({ name: binding }) => binding),
      version: config.version_metadata?.binding,
      triggers: config.triggers,
      observability: config.observability,
      flags: config.compatibility_flags,
    }
  }

  test('staging has what production has, and says that it is staging', () => {
    const { vars, ...rest } = shapeOf('staging')
    expect({ vars: vars.filter((name) => name !== 'ENVIRONMENT'), ...rest }).toEqual(shapeOf('production'))
    expect(readDeployment('staging').vars.ENVIRONMENT).toBe('staging')
  })

  test.each(ENVIRONMENTS)('%s fetches hosts of its own zone through Cloudflare', (name) => {
    expect(configOf(name).compatibility_flags).toContain('global_fetch_strictly_public')
  })

  test.each(ENVIRONMENTS)('%s leaves ids and addresses to the deployment', (name) => {
    const { d1_databases, routes, route, workers_dev } = configOf(name)
    expect(d1_databases.map(({ database_id, database_name }) => [database_id, typeof database_name])).toEqual(
      [[undefined, 'string']],
    )
    expect([routes, route, workers_dev]).toEqual([undefined, undefined, undefined])
  })

  test.each(ENVIRONMENTS)('%s tells clients the rate limit that it has', (name) => {
    const { vars, rateLimit } = readDeployment(name)
    expect(rateLimit).toEqual({
      requests: Number(vars.RATE_LIMIT_REQUESTS),
      seconds: Number(vars.RATE_LIMIT_SECONDS),
    })
  })

  test('no two environments share a Worker, a database, a bucket or a count of requests', () => {
    const all = ENVIRONMENTS.map((name) => {
      const { worker, database, bucket } = readDeployment(name)
      return [worker, database, bucket, configOf(name).ratelimits[0]?.namespace_id]
    })
    const [production = [], staging = []] = all
    expect(production.filter((value) => staging.includes(value))).toEqual([])
  })
})

describe('The settings', () => {
  const all = Object.keys(SETTINGS).sort()
  const secrets = Object.entries(SETTINGS).flatMap(([name, kind]) => (kind === 'secret' ? [name] : []))
  const variables = Object.keys(readDeployment('production').vars)

  test('are the ones that the README explains', () => {
    const [, section = ''] = /^## Settings$([\s\S]*?)^## /m.exec(textOf('README.md')) ?? []
    const rows = section.split('\n').filter((line) => line.startsWith('| `'))
    const named = rows.flatMap((line) => line.split(' | ')[0]?.match(/[A-Z0-9_]{5,}/g) ?? [])
    expect(named.sort()).toEqual(all)
  })

  test('that are secret stand in .dev.vars.example, without a value, and nothing else does', () => {
    const example = parseEnv(textOf('.dev.vars.example'))
    expect(Object.keys(example).sort()).toEqual([...secrets].sort())
    expect(Object.values(example).join('')).toBe('')
  })

  test('that a deploy button asks for are described in package.json, and nothing else is', () => {
    const { bindings } = JSON.parse(textOf('package.json')).cloudflare
    expect(Object.keys(bindings).sort()).toEqual([...secrets, ...variables].sort())
    expect(variables.filter((name) => SETTINGS[name as keyof typeof SETTINGS] !== 'variable')).toEqual([])
  })

  test('are all read by the code, and nothing else of the environment is', () => {
    const files = ['src', 'actors'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => textOf(join(folder, name))),
    )
    const code = files.join('\n').replace(/export const SETTINGS = [\s\S]*?as const/, '')
    const read = all.filter((name) =>
      new RegExp(`\\b${name}\\b`).test(code.replace(/^\s*(\*|\/\/|\/\*).*$/gm, '')),
    )
    expect(read).toEqual(all)
  })
})

test('.dev.vars.example is in the repository, and no other file of secrets can be', () => {
  const ignored = (name: string) => {
    try {
      execFileSync('git', ['check-ignore', '--quiet', '--no-index', name], { cwd: ROOT })
      return true
    } catch {
      return false
    }
  }
  const names = ['.dev.vars.example', '.dev.vars', '.dev.vars.production', '.dev.vars.staging']
  expect(names.map(ignored)).toEqual([false, true, true, true])
})
