/**
 * `npm run --silent token -- --scope 'jobs:read jobs:write' [--project 1] [--job ID] [--ttl 90d] [--subject NAME]`:
 * creates one access token and prints it alone to stdout. AUTH_SECRET comes from the environment, or from the file of
 * secrets of `npm run deploy`; `--development` signs by the built-in secret, which is accepted on a developer's own
 * computer only.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { DEVELOPMENT_SECRET, secretFault } from '../actors/shared/secrets.ts'
import { type Grant, LONGEST_LIFETIME_SECONDS, makeToken, SCOPES, Subject } from '../src/auth/access-token.ts'
import { ProjectId } from '../src/http/fields.ts'
import { JobId } from '../src/jobs/ids.ts'
import type { Scope } from '../wire/tokens.ts'
import { type EnvironmentName, environmentNamed, ROOT, secretsFileOf, secretsIn } from './wrangler.ts'

const USAGE = `Usage: npm run --silent token -- --scope SCOPES [options]

  --scope SCOPES     what it may do: ${SCOPES.join(', ')}, separated by spaces or commas
  --project NUMBER   confined to one project
  --job ID           confined to one job
  --ttl DURATION     how long it lives: seconds, or 30m, 12h, 90d; standard is 1h, the longest 366d
  --subject NAME     who it is, for the event log
  --env NAME         of which deployment: production, which is the standard, or staging
  --development      signed with the built-in secret, for npm start on this computer`

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 }

try {
  const { values } = parseArgs({
    options: {
      scope: { type: 'string', multiple: true },
      project: { type: 'string' },
      job: { type: 'string' },
      ttl: { type: 'string', default: '1h' },
      subject: { type: 'string', default: 'token' },
      env: { type: 'string', default: 'production' },
      development: { type: 'boolean', default: false },
    },
  })
  const grant: Grant = {
    subject: valid(Subject, values.subject, '--subject'),
    scopes: scopesOf((values.scope ?? []).join(' ')),
    projectId: values.project === undefined ? null : valid(ProjectId, Number(values.project), '--project'),
    jobId: values.job === undefined ? null : valid(JobId, values.job, '--job'),
  }
  const now = Date.now()
  const expiresAt = now + secondsOf(values.ttl) * 1000
  const secret = values.development ? DEVELOPMENT_SECRET : secretOf(environmentNamed(values.env))
  console.log(await makeToken(secret, grant, now, expiresAt))
  const reach = [grant.projectId && `project ${grant.projectId}`, grant.jobId && `job ${grant.jobId}`]
  const where = reach.filter(Boolean).join(', ') || 'every project'
  console.error(`${grant.scopes.join(' ')} for ${where}, until ${new Date(expiresAt).toISOString()}`)
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
  process.exitCode = 2
}

function valid<S extends v.GenericSchema>(schema: S, input: unknown, name: string): v.InferOutput<S> {
  const result = v.safeParse(schema, input)
  if (!result.success) throw new Error(`${name}: ${result.issues[0].message}`)
  return result.output
}

function scopesOf(text: string): Scope[] {
  const named = text.split(/[\s,]+/).filter((name) => name !== '')
  const unknown = named.filter((name) => !SCOPES.some((scope) => scope === name))
  if (unknown.length > 0) throw new Error(`There is no scope ${unknown.join(', ')}.`)
  if (named.length === 0) throw new Error('Say what the token may do: --scope.')
  return SCOPES.filter((scope) => named.includes(scope))
}

function secondsOf(text: string): number {
  const [, number, unit] = /^(\d{1,9})([smhd]?)$/.exec(text) ?? []
  const factor = unit === 'm' || unit === 'h' || unit === 'd' ? UNIT_SECONDS[unit] : UNIT_SECONDS.s
  const seconds = Number(number) * factor
  if (seconds >= 1 && seconds <= LONGEST_LIFETIME_SECONDS) return seconds
  throw new Error('--ttl: this must be a duration like 900, 30m, 12h or 90d, and at most 366d.')
}

function secretOf(environment: EnvironmentName): string {
  const name = secretsFileOf(environment)
  const secret = process.env.AUTH_SECRET || secretsIn(join(ROOT, name)).AUTH_SECRET
  if (!secret) {
    throw new Error(`AUTH_SECRET is neither in the environment nor in ${name} (or use --development).`)
  }
  const fault = secretFault('AUTH_SECRET', secret, false)
  if (fault !== null) throw new Error(`AUTH_SECRET: ${fault}`)
  return secret
}
