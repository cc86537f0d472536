import { describe, expect, test } from 'vitest'
import {
  DEVELOPMENT_SECRET,
  DEVELOPMENT_WEBHOOK_SECRET,
  SECRET_NAMES,
  type SecretName,
} from '../../actors/shared/secrets.ts'
import { readSettings } from '../../actors/shared/settings.ts'

const GOOD = 'Zk3vQ9tLx7RbW2nYc5HdJ8sGmPfUeA1o4iTzXqKw'
const PRODUCTION = { ENVIRONMENT: 'production', PUBLIC_URL: 'https://exports.acme.org', AUTH_SECRET: GOOD }
const webhook = (plain: string) => `whsec_${btoa(plain)}`

function missingWith(env: Record<string, string>): readonly string[] {
  const answer = readSettings({ ...PRODUCTION, ...env })
  return answer.ok ? [] : answer.missing
}

const WEAK: readonly [string, string, string][] = [
  ['one that is too short', 'short', 'whsec_c2hvcnQ='],
  ['the one of development', DEVELOPMENT_SECRET, DEVELOPMENT_WEBHOOK_SECRET],
  [
    'one of a template',
    'change-me-to-a-long-random-string-of-yours',
    webhook('change-me-to-a-long-random-one'),
  ],
  ['one of an example', 'example-secret-for-the-documentation', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  ['one character over and over', 'x'.repeat(64), webhook('x'.repeat(32))],
  ['a word over and over', 'correct-horse-'.repeat(4), webhook('correct-horse-'.repeat(3))],
  ['counting', '0123456789'.repeat(4), webhook('0123456789'.repeat(3))],
]

describe.each(SECRET_NAMES)('%s', (name: SecretName) => {
  const isWebhook = name.startsWith('WEBHOOK')

  test.each(WEAK)(
    'refuses to serve in production and in staging as %s, and is named',
    (_name, auth, hook) => {
      const text = isWebhook ? hook : auth
      expect(missingWith({ [name]: text })).toEqual([name])
      expect(missingWith({ [name]: text, ENVIRONMENT: 'staging' })).toEqual([name])
      expect(missingWith({ [name]: text, ENVIRONMENT: '' })).toEqual([name])
    },
  )

  test('may be known on the developer’s own computer, though not too short', () => {
    const ENVIRONMENT = 'development'
    const known = isWebhook ? DEVELOPMENT_WEBHOOK_SECRET : DEVELOPMENT_SECRET
    expect(missingWith({ [name]: known, ENVIRONMENT })).toEqual([])
    expect(missingWith({ [name]: 'short', ENVIRONMENT })).toEqual([name])
  })

  test.each([
    ['base64', GOOD],
    ['hexadecimal digits', '9f86d081884c7d659a2feaa0c55ad015'],
    ['words', 'a-strong-secret-of-more-than-32-characters'],
  ])('may be random: %s', (_name, text) => {
    expect(missingWith({ [name]: isWebhook ? webhook(text) : text })).toEqual([])
  })
})

test('Every weak secret is named at once', () => {
  const all = Object.fromEntries(SECRET_NAMES.map((name) => [name, 'weak']))
  expect(missingWith({ ...all, PUBLIC_URL: '' })).toEqual(['PUBLIC_URL', ...SECRET_NAMES])
})

test('Current and previous secrets are both accepted, the current one first', () => {
  const previous = [...GOOD].reverse().join('')
  const env = { WEBHOOK_SECRET: webhook(GOOD), WEBHOOK_SECRET_PREVIOUS: webhook(previous) }
  const answer = readSettings({ ...PRODUCTION, AUTH_SECRET_PREVIOUS: previous, ...env })
  expect(answer).toMatchObject({
    ok: true,
    settings: { authSecrets: [GOOD, previous], webhookSecrets: [webhook(GOOD), webhook(previous)] },
  })
})
