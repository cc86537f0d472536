/**
 * `npm run doctor [-- --env staging] [--remote]`: checks a configuration, and prints what is wrong, missing or weak,
 * each with a remedy. Without `--remote` it reads local files only; with it, it also checks the secrets that are set
 * and the size of the database, by wrangler's login. Exit code 1 when the deployment would not work.
 */
import { parseArgs } from 'node:util'
import { readAccount } from './doctor/account.ts'
import { examine } from './doctor/checks.ts'
import { readDeployment } from './doctor/read.ts'
import { linesOf } from './doctor/report.ts'
import { environmentNamed, wranglerOf } from './wrangler.ts'

try {
  const { values } = parseArgs({
    options: {
      env: { type: 'string', default: 'production' },
      remote: { type: 'boolean', default: false },
    },
  })
  const environment = environmentNamed(values.env)
  const files = readDeployment(environment)
  const account = values.remote ? await readAccount(wranglerOf(environment), files.database) : null
  const findings = examine({ ...files, account })
  console.log(`${files.worker} (${environment}${account ? ', as Cloudflare has it' : ''})\n`)
  for (const line of linesOf(findings)) console.log(line)
  const amiss = findings.filter(({ level }) => level === 'wrong' || level === 'missing').length
  console.log(amiss > 0 ? `\n${amiss} to set right before it exports anything.` : '\nIt can serve.')
  process.exitCode = amiss > 0 ? 1 : 0
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
