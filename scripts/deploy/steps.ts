/**
 * The steps of a deployment, from the account's current state to a served version. Each can be repeated, so that after
 * a failure the same command continues. Migrations precede the code, so each must be compatible with the code before
 * and after it.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, chmodSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { workersDevUrl } from '../doctor/account.ts'
import { type Account, type Deployment, settingOf } from '../doctor/deployment.ts'
import { secretsFileOf, type Wrangler } from '../wrangler.ts'
import { buildWithinBudget } from './bundle.ts'
import { type Placed, place } from './place.ts'
import { acceptsItsSettings, type Outside, untilServed } from './served.ts'

export interface Step {
  /** What the step does, for the plan. */
  does: string
  /** What is complete after the step. */
  stands: string
  /** @returns a message about its result */
  run(): Promise<string>
}

export interface Tools {
  wrangler: Wrangler
  outside: Outside
  /** Whether it runs in CI, where no one can store a generated file. */
  ci: boolean
}

export function stepsOf(deployment: Deployment, account: Account, tools: Tools): Step[] {
  const steps = [building(tools), ...resources(deployment, account, tools)]
  return [...steps, ...placing(deployment, account, tools)]
}

function building({ wrangler }: Tools): Step {
  return {
    does: 'Build the pages and the Worker, and hold it to its budget.',
    stands: '',
    run: () => buildWithinBudget(wrangler, join(wrangler.root, 'dist/worker')),
  }
}

function resources(deployment: Deployment, account: Account, { wrangler, ci }: Tools): Step[] {
  const { database } = deployment
  const file = secretsFileOf(wrangler.environment)
  const steps: Step[] = []
  if (!ci && settingOf(deployment, 'AUTH_SECRET') === null)
    steps.push({
      does: `Make an AUTH_SECRET in ${file}.`,
      stands: `AUTH_SECRET is in ${file}.`,
      run: async () => {
        keepSecret(join(wrangler.root, file), 'AUTH_SECRET')
        return `Keep ${file}: tokens are made with it.`
      },
    })
  if (account.databaseBytes === null)
    steps.push({
      does: `Create the D1 database ${database}.`,
      stands: `The database ${database} is there.`,
      run: async () => {
        await wrangler.run(['d1', 'create', database])
        return `${database} is created.`
      },
    })
  steps.push({
    does: `Apply the migrations that ${database} has not seen.`,
    stands: `${database} has all migrations.`,
    run: async () => {
      const printed = await wrangler.run(['d1', 'migrations', 'apply', 'DB', '--remote'])
      const applied = [...new Set(printed.match(/\d{4}_\w+\.sql/g))]
      return applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'None was new.'
    },
  })
  return steps
}

function placing(deployment: Deployment, account: Account, { wrangler, outside }: Tools): Step[] {
  const { worker, bucket, vars } = deployment
  const publicUrl = vars.PUBLIC_URL || null
  let placed: Placed = { version: '', url: '', knowsUrl: false }
  const deploying = async (assumed: string | null) => {
    placed = await place(wrangler, publicUrl, assumed)
    return `Version ${placed.version} at ${placed.url}.`
  }
  const setPublicUrl: Step = {
    does: 'Tell it that address as its PUBLIC_URL, by deploying once more unless it has it.',
    stands: 'It has its address at workers.dev as PUBLIC_URL.',
    run: async () => {
      if (!placed.knowsUrl) await deploying(placed.url)
      return `PUBLIC_URL is ${placed.url}, until wrangler.toml names another.`
    },
  }
  return [
    {
      does: `Deploy ${worker} at ${placeOf(publicUrl)}, and the R2 bucket ${bucket} unless it is there.`,
      stands: `${worker} is deployed.`,
      run: async () => deploying(account.secrets && !publicUrl ? await workersDevUrl(wrangler) : null),
    },
    ...(publicUrl ? [] : [setPublicUrl]),
    {
      does: 'Ask /health until the new version answers, a minute at most.',
      stands: 'The new version answers.',
      run: async () => {
        await untilServed(outside, placed.url, placed.version)
        return `${placed.url}/health answers from version ${placed.version}.`
      },
    },
    {
      does: 'See that it accepts its settings and secrets.',
      stands: 'It is served.',
      run: async () => {
        await acceptsItsSettings(outside, placed.url)
        return `Served: ${placed.url}`
      },
    },
  ]
}

/** wrangler does not prompt before it takes a custom domain from another Worker. */
function placeOf(publicUrl: string | null): string {
  return publicUrl ? `${publicUrl} (in place of any other Worker there)` : 'workers.dev'
}

function keepSecret(file: string, name: string): void {
  // The last line of the file may lack its end.
  const isOpen = existsSync(file) && !/(?:^|\n)$/.test(readFileSync(file, 'utf8'))
  appendFileSync(file, `${isOpen ? '\n' : ''}${name}="${randomBytes(48).toString('base64')}"\n`, {
    mode: 0o600,
  })
  chmodSync(file, 0o600)
}
