/** What the service refuses to serve with, as a sentence each: by its own rules, so that none is forgotten here. */
import { readSettings } from '../../actors/shared/settings.ts'
import type { Deployment } from './deployment.ts'

const WORDS = new Map([
  ['PUBLIC_URL', 'It must be an address such as https://exports.acme.org, without a query or a user name.'],
  [
    'TOKENS_NOT_BEFORE',
    'It must be an instant such as 2026-01-31T12:00:00Z; leave it away to have no limit.',
  ],
  [
    'ACCESS_TEAM_DOMAIN',
    'It must be <team>.cloudflareaccess.com; leave ACCESS_AUD and ACCESS_ADMINS away too to go without Access.',
  ],
  [
    'ACCESS_AUD',
    'It must be the audience of the application; leave ACCESS_TEAM_DOMAIN away to go without Access.',
  ],
  [
    'RUNPOD_API_KEY',
    'A space, a line break or a letter like ä is in it, which no request can carry: copy it anew.',
  ],
])

/** Stands in for what a deployment makes by itself, and for what only Cloudflare knows. */
const UNSEEN = {
  PUBLIC_URL: 'https://exports.workers.dev',
  AUTH_SECRET: 'Zk3vQ9tLx7RbW2nYc5HdJ8sGmPfUeA1o4iTzXqKw',
}

/** By the name of the setting. */
export function refusedSettings(deployment: Deployment): Map<string, string> {
  const given = Object.entries({ ...deployment.vars, ...deployment.secrets }).filter(
    ([, text]) => text !== '',
  )
  const answer = readSettings({ ...UNSEEN, ...Object.fromEntries(given) })
  const names: readonly string[] = answer.ok ? [] : answer.missing
  return new Map(names.map((name) => [name, WORDS.get(name) ?? 'The service refuses to serve with it.']))
}
