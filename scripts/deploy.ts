/**
 * `npm run deploy -- --env staging|production [--dry-run]`: examines the configuration, builds, holds the bundle to its
 * budget, applies the migrations, deploys, and asks the new version how it is. Migrations come first, so each must
 * suit the code before it and after it. `--dry-run` builds and measures, and touches no account.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { configOf, ENVIRONMENTS, type EnvironmentName } from './doctor/read.ts'
import { doctor } from './doctor.ts'
import { ROOT, WRANGLER, WRANGLER_QUIET } from './stack.ts'

/** Gzipped, as Cloudflare counts it; a small Worker starts fast. */
const BUNDLE_BYTES = 150 * 1024
const BUILD = join(ROOT, 'dist/worker')

try {
  const { values } = parseArgs({
    options: { env: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
  })
  const environment = ENVIRONMENTS.find((each) => each === values.env && each !== 'development')
  if (!environment) throw new Error('Say which: npm run deploy -- --env staging, or --env production.')
  process.exitCode = values['dry-run'] ? await rehearse(environment) : await deploy(environment)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function rehearse(environment: EnvironmentName): Promise<number> {
  await doctor(environment, false)
  await build(environment)
  const startup = await wrangler(
    ['check', 'startup', '--outfile', join(BUILD, 'startup.cpuprofile')],
    environment,
  )
  const active = /Active: ([\d.]+ ms)/.exec(startup)?.[1]
  console.log(`Start-up: ${active ?? 'unknown'} of work on this computer; Cloudflare allows 1 s.`)
  return 0
}

async function deploy(environment: EnvironmentName): Promise<number> {
  const missing = await doctor(environment, true)
  if (missing > 0) throw new Error('Nothing was deployed: mend what is missing first.')
  await build(environment)
  console.log('Applying migrations…')
  console.log(await wrangler(['d1', 'migrations', 'apply', 'DB', '--remote'], environment))
  console.log('Deploying…')
  console.log(await wrangler(['deploy'], environment))
  const { PUBLIC_URL: url = '' } = configOf(environment).vars
  const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) })
  console.log(`${url}/health: ${response.status} ${await response.text()}`)
  return response.ok ? 0 : 1
}

/** @throws when the bundle is larger than its budget */
async function build(environment: EnvironmentName): Promise<void> {
  await wrangler(['deploy', '--dry-run', '--outdir', BUILD], environment)
  const modules = readdirSync(BUILD).filter((name) => /\.(js|wasm)$/.test(name))
  const bytes = modules.reduce((sum, name) => sum + gzipSync(readFileSync(join(BUILD, name))).length, 0)
  const kib = (count: number) => `${(count / 1024).toFixed(1)} KiB`
  console.log(`\nBundle: ${kib(bytes)} gzip, of at most ${kib(BUNDLE_BYTES)}.`)
  if (bytes > BUNDLE_BYTES) throw new Error(`The bundle is ${kib(bytes - BUNDLE_BYTES)} over its budget.`)
}

/** @returns what it printed @throws with what it printed when it failed */
function wrangler(args: readonly string[], environment: EnvironmentName): Promise<string> {
  const child = spawn(process.execPath, [WRANGLER, ...args, '--env', environment], {
    cwd: ROOT,
    env: { ...process.env, ...WRANGLER_QUIET, CI: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((settle, fail) => {
    child.once('error', fail)
    child.once('close', (code) => {
      if (code === 0) settle(output)
      else fail(new Error(`wrangler ${args.join(' ')} failed:\n${output.trim()}`))
    })
  })
}
