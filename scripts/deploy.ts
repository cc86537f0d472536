/**
 * `npm run deploy [-- --env staging] [--yes] [--dry-run]`: deploys this directory to Cloudflare, for the first time or
 * as an update. It prints a plan, and does not prompt in CI. `--dry-run` builds and measures, without access to an
 * account.
 */
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { buildWithinBudget } from './deploy/bundle.ts'
import { deploy } from './deploy/deploy.ts'
import { type Outside, PAUSE_MS } from './deploy/served.ts'
import { examine } from './doctor/checks.ts'
import { readDeployment } from './doctor/read.ts'
import { linesOf } from './doctor/report.ts'
import { environmentNamed, type Wrangler, wranglerOf } from './wrangler.ts'

const ANSWER_MS = 5_000
const outside: Outside = {
  fetch: (url) => fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) }),
  pause: () => new Promise((settle) => setTimeout(settle, PAUSE_MS)),
  now: Date.now,
}

try {
  const { values } = parseArgs({
    options: {
      env: { type: 'string', default: 'production' },
      yes: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
    },
  })
  const wrangler = wranglerOf(environmentNamed(values.env))
  const ci = Boolean(process.env.CI) || !process.stdin.isTTY
  const agree = async () => ci || values.yes || (await isYes('\nGo on? [y/N] '))
  const ok = values['dry-run']
    ? await rehearse(wrangler)
    : await deploy({ wrangler, outside, ci }, { print: console.log, agree })
  process.exitCode = ok ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function rehearse(wrangler: Wrangler): Promise<boolean> {
  console.log(linesOf(examine(readDeployment(wrangler.environment))).join('\n'))
  const folder = join(wrangler.root, 'dist/worker')
  console.log(`\n${await buildWithinBudget(wrangler, folder)}`)
  const startup = await wrangler.run(['check', 'startup', '--outfile', join(folder, 'startup.cpuprofile')])
  const active = /Active: ([\d.]+ ms)/.exec(startup)?.[1]
  console.log(`Start-up: ${active ?? 'unknown'} of work on this computer; Cloudflare allows 1 s.`)
  return true
}

async function isYes(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question(question)
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}
