/** Runs one deployment: its plan, its steps, and a summary of what was completed when one of them fails. */
import { readAccount } from '../doctor/account.ts'
import { examine, type Finding } from '../doctor/checks.ts'
import type { Deployment } from '../doctor/deployment.ts'
import { readDeployment } from '../doctor/read.ts'
import { linesOf } from '../doctor/report.ts'
import { WranglerError } from '../wrangler.ts'
import { NotServed } from './served.ts'
import { type Step, stepsOf, type Tools } from './steps.ts'

export interface Teller {
  print(line: string): void
  /** Resolves with whether to continue, after the plan was printed. */
  agree(): Promise<boolean>
}

/** @returns whether the new version is served; otherwise the completed steps and the remedy were printed */
export async function deploy(tools: Tools, { print, agree }: Teller): Promise<boolean> {
  const { wrangler } = tools
  const files = readDeployment(wrangler.environment, wrangler.root)
  if (isWrong(files, print)) return false
  let account: Deployment['account']
  try {
    account = await readAccount(wrangler, files.database)
  } catch (error) {
    return failed(error, [], print)
  }
  const deployment = { ...files, account }
  if (isWrong(deployment, print)) return false
  const steps = stepsOf(deployment, account, tools)
  print(`${deployment.worker} (${wrangler.environment}). This will:`)
  for (const [index, { does }] of steps.entries()) print(`  ${index + 1}. ${does}`)
  const open = examine(deployment).filter(({ level }) => level !== 'good')
  if (open.length > 0) print(`\n${linesOf(open).join('\n')}`)
  return (await agree()) && follow(steps, print)
}

async function follow(steps: readonly Step[], print: Teller['print']): Promise<boolean> {
  const standing: string[] = []
  for (const { does, stands, run } of steps) {
    print(`\n> ${does}`)
    try {
      print(await run())
    } catch (error) {
      return failed(error, standing, print)
    }
    if (stands) standing.push(stands)
  }
  return true
}

function isWrong(deployment: Deployment, print: Teller['print']): boolean {
  const wrong: Finding[] = examine(deployment).filter(({ level }) => level === 'wrong')
  if (wrong.length === 0) return false
  print(
    `${linesOf(wrong).join('\n')}\n\nNothing was changed: set that right, and run the same command again.`,
  )
  return true
}

function failed(error: unknown, standing: readonly string[], print: Teller['print']): false {
  if (!(error instanceof Error)) throw error
  print(`\n✗ ${error.message}`)
  print(`\nWhat stands: ${standing.length > 0 ? standing.join(' ') : 'nothing was changed.'}`)
  print(`What to do: ${remedyOf(error)} Then run the same command again: it goes on from there.`)
  return false
}

/** Remedies for the failures that a first deployment meets, printed after wrangler's own error. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/workers\.dev subdomain/, 'Register one at that address, or set PUBLIC_URL to a domain of the account.'],
  [
    /zone_not_found/,
    'The host of PUBLIC_URL must be in an active zone of this account: add the site to Cloudflare, or correct it.',
  ],
  [
    /externally managed DNS records/,
    'Delete the DNS record of that host if nothing needs it, or set PUBLIC_URL to another.',
  ],
  [
    /CLOUDFLARE_API_TOKEN|not authenticated|logged in|\[code: 1000[01]\]|\[code: 9109\]/i,
    '`npx wrangler login`, or set CLOUDFLARE_API_TOKEN to a token that may edit Workers, D1 and R2.',
  ],
  [/\/r2\/|\bR2\b/, 'Switch R2 on in the dashboard if it is not yet; it asks for a payment method.'],
]

function remedyOf(error: Error): string {
  if (error instanceof NotServed) return error.remedy
  const known = REMEDIES.find(([cause]) => cause.test(error.message))
  if (known) return known[1]
  return error instanceof WranglerError
    ? 'See what Cloudflare says above; if it is a fault of theirs, wait a little.'
    : 'Mend what it says above.'
}
