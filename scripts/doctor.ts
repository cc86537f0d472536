/**
 * `npm run doctor [-- --env production] [--remote]`: looks at a configuration and says what is missing or weak, and
 * what to do about it. Without `--remote` it reads this computer's files alone; with it, wrangler's login is used.
 * Exit code 1 when something is missing.
 */
import { parseArgs } from 'node:util'
import { examine, type Finding, type Level } from './doctor/checks.ts'
import { ENVIRONMENTS, readDeployment } from './doctor/read.ts'

const MARKS: Record<Level, string> = { missing: '✗', weak: '!', good: '✓' }

/** The findings as lines, and how many of them keep a deployment from serving. */
export function reportOf(findings: readonly Finding[]): { lines: string[]; missing: number } {
  const width = Math.max(...findings.map(({ what }) => what.length))
  const lines = findings.map(
    ({ level, what, detail }) => `  ${MARKS[level]} ${what.padEnd(width)}  ${detail}`,
  )
  return { lines, missing: findings.filter(({ level }) => level === 'missing').length }
}

/** Examines one environment and prints what was found. @returns how much is missing */
export async function doctor(name: string, remote: boolean): Promise<number> {
  const environment = ENVIRONMENTS.find((each) => each === name)
  if (!environment) throw new Error(`There is no environment ${name}; they are ${ENVIRONMENTS.join(', ')}.`)
  const deployment = await readDeployment(environment, remote)
  const { lines, missing } = reportOf(examine(deployment))
  console.log(`${deployment.worker} (${environment}${remote ? ', as Cloudflare has it' : ''})\n`)
  for (const line of lines) console.log(line)
  console.log(missing > 0 ? `\n${missing} missing: it would not serve.` : '\nIt can serve.')
  return missing
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      options: {
        env: { type: 'string', default: 'development' },
        remote: { type: 'boolean', default: false },
      },
    })
    process.exitCode = (await doctor(values.env, values.remote)) > 0 ? 1 : 0
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 2
  }
}
