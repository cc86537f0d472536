/** Runs wrangler without a terminal: it does not prompt, and its output is returned as text. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv, stripVTControlCharacters } from 'node:util'

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
export const WRANGLER = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')

/** Restricts wrangler's network access to Cloudflare's API. */
export const WRANGLER_QUIET = {
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  X_LOCAL_OBSERVABILITY: 'false',
  NO_COLOR: '1',
}

/** The environments of wrangler.toml; production is its top level. */
export const ENVIRONMENTS = ['production', 'staging'] as const
export type EnvironmentName = (typeof ENVIRONMENTS)[number]

export interface Wrangler {
  environment: EnvironmentName
  /** The directory of wrangler.toml. */
  root: string
  /** @returns its standard output @throws WranglerError */
  run(args: readonly string[], env?: Record<string, string>): Promise<string>
}

/** wrangler failed; the message is its error output. */
export class WranglerError extends Error {}

/** @param env added to the environment of this process */
export function wranglerOf(
  environment: EnvironmentName,
  { root = ROOT, env = {} }: { root?: string; env?: Record<string, string> } = {},
): Wrangler {
  // Without a name wrangler warns that there are several environments.
  const target = `--env=${environment === 'production' ? '' : environment}`
  return {
    environment,
    root,
    run: (args, more = {}) => run([...args, target], root, { ...env, ...more }),
  }
}

function run(args: readonly string[], cwd: string, env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd,
    env: { ...process.env, ...WRANGLER_QUIET, CI: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [printed, said] = [textOf(child.stdout), textOf(child.stderr)]
  return new Promise((settle, fail) => {
    child.once('error', fail)
    child.once('close', (code) => {
      if (code === 0) settle(printed.join(''))
      else fail(new WranglerError(errorOf(said.join('') || printed.join(''))))
    })
  })
}

function textOf(stream: NodeJS.ReadableStream): string[] {
  const parts: string[] = []
  stream.setEncoding('utf8').on('data', (text: string) => parts.push(text))
  return parts
}

/** Removes colours, the path of wrangler's log, and the hint where to report bugs. */
function errorOf(text: string): string {
  const lines = stripVTControlCharacters(text)
    .replace(/^\s*[✘▲] \[(?:ERROR|WARNING)\] /gm, '')
    .split('\n')
    .map((line) => line.trim())
  return lines.filter((line) => line !== '' && !/^🪵|^If you think this is a bug/.test(line)).join('\n')
}

/** @throws for any other name, listing the valid ones */
export function environmentNamed(name: string): EnvironmentName {
  const environment = ENVIRONMENTS.find((each) => each === name)
  if (!environment)
    throw new Error(`There is no environment ${name}; they are ${ENVIRONMENTS.join(' and ')}.`)
  return environment
}

/** The file of an environment's secrets; a developer's own `.dev.vars` is not deployed. */
export function secretsFileOf(environment: EnvironmentName): string {
  return `.dev.vars.${environment}`
}

/** A file of secrets by name; empty when there is none. Some editors begin a file with a byte order mark. */
export function secretsIn(path: string): Record<string, string> {
  if (!existsSync(path)) return {}
  const pairs = Object.entries(parseEnv(readFileSync(path, 'utf8').replace(/^\uFEFF/, '')))
  return Object.fromEntries(pairs.map(([name, value]) => [name, value ?? '']))
}
