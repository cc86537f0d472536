/** Credentials are removed from foreign texts, in any encoding. */
import { describe, expect, test } from 'vitest'
import { redactedEvent } from '../../actors/export-job/foreign-text.ts'
import { sortRunAnswer } from '../../actors/runpod/client.ts'
import { observationOf } from '../../actors/runpod/envelope.ts'
import { OwnedFile } from '../../actors/shared/owned-file.ts'
import { withoutSecrets } from '../../actors/shared/redact.ts'
import { readSettings } from '../../actors/shared/settings.ts'
import { callbackToken, downloadPath, uploadPath, webhookPath } from '../../actors/shared/signing.ts'
import { companionPath } from '../../actors/shared/upload-token.ts'
import { deliveryFailed, dispatchRefused, failed, observed, progressed } from '../support/node/builders.ts'

const SECRET = 'a-strong-secret-of-more-than-32-characters'
const NOW = Date.UTC(2026, 0, 1)
const REF = { round: 1, attempt: 1 }
const PRESIGNED = `https://a.r2.cloudflarestorage.com/b/k?X-Amz-Credential=KEY%2F2026&X-Amz-Signature=${'0a'.repeat(32)}`
const INPUT = OwnedFile.found({ key: 'input/a.mp4' }, 1)
const FILE = {
  kind: 'file',
  key: 'output/j/1-1.mp4',
  contentType: 'video/mp4',
  sizeBytes: null,
  projectId: 1,
  jobId: 'j',
} as const

/** Each with the part that must not remain. */
const SECRETS: [name: string, text: string, opens: RegExp][] = [
  ['a callback token', callbackToken(SECRET, 'j', REF, NOW), /[\w-]{43}/],
  ['a signed download', INPUT ? downloadPath(SECRET, INPUT, NOW) : '', /[\w-]{43}/],
  ['a signed upload', uploadPath(SECRET, 'output/a.mp4', { once: '1' }, NOW), /[\w-]{43}/],
  ['a signed webhook', webhookPath(SECRET, 'j', REF, NOW), /[\w-]{43}/],
  ['the address of an upload in parts', companionPath(SECRET, FILE, NOW), /[\w-]{43}/],
  ['a presigned address', PRESIGNED, /(0a){32}|KEY/],
  ['a header', 'Authorization: Bearer abc.def', /abc/],
  ['the key of webhooks', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', /MfKQ/],
  ['a key of RunPod', 'rpa_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', /ABCD/],
]

const DRESSES: [name: string, dress: (text: string) => string][] = [
  ['as it is', (text) => `failed: ${text}.`],
  ['in JSON', (text) => JSON.stringify({ error: `at ${text}` })],
  [
    'in JSON in JSON, on a line of its own',
    (text) => JSON.stringify(JSON.stringify({ text: `a\n${text}\nb` })),
  ],
  ['with its ampersands escaped', (text) => text.replaceAll('&', '\\u0026')],
  ['as a parameter of another address', (text) => `https://x.test/?next=${encodeURIComponent(text)}`],
  ['in XML', (text) => `<Error><Resource>${text}</Resource></Error>`],
  ['in parentheses, after a colon', (text) => `HTTPError(url:${text})`],
]

describe.each(SECRETS)('%s', (_, text, opens) => {
  test.each(DRESSES)('is taken out %s', (_name, dress) => {
    expect(dress(text)).toMatch(opens)
    expect(withoutSecrets(dress(text))).not.toMatch(opens)
  })
})

test('A callback token that was cut opens nothing', () => {
  const [, text = ''] = SECRETS[0] ?? []
  expect(withoutSecrets(`${'x'.repeat(300)} ${text.slice(0, -1)}`)).not.toContain(text.slice(-20, -1))
})

test('Ordinary words are left as they are', () => {
  const text =
    'ffmpeg 7.1.0 of 2026-01-01: output/0192f000-0000-7000-8000-000000000000/1-1.mp4, design=2, 10.0.0.1:8787'
  expect(withoutSecrets(text)).toBe(text)
})

test('Long texts that nearly fit cost no time', () => {
  for (const part of ['eyJ', '1.', 'sig', 'Bearer ', '%3D', '\\n', '1.1.111111111.', 'a'.repeat(42)]) {
    withoutSecrets(part.repeat(Math.ceil(200_000 / part.length)))
  }
})

describe('Foreign text on its way into a job', () => {
  const env = {
    ENVIRONMENT: 'production',
    PUBLIC_URL: 'https://x.test',
    AUTH_SECRET: SECRET,
    RUNPOD_API_KEY: 'plain-key',
  }
  const answer = readSettings(env)
  const settings = answer.ok ? answer.settings : null
  const text = `${SECRETS.map(([, each]) => each).join(' ')} ${SECRET} plain-key`
  const secret = new RegExp([...SECRETS.map(([, , opens]) => opens.source), SECRET, 'plain-key'].join('|'))
  const failure = { code: 'worker_error', message: text, retryable: true }

  test.each([
    ['a stage and a message', progressed(1, { stage: text, message: text })],
    ['an error of a worker', failed({ failure })],
    ['a refusal of RunPod', dispatchRefused(REF, failure)],
    ['an ambiguous answer', { type: 'dispatchAmbiguous', ref: REF, detail: text } as const],
    ['an error in RunPod’s envelope', observed('failed', { error: text })],
    ['what a receiver answered', deliveryFailed('id', { detail: text })],
  ])('%s is redacted, whatever it says', (_, event) => {
    expect(JSON.stringify(event)).toMatch(secret)
    expect(JSON.stringify(redactedEvent(event, settings))).not.toMatch(secret)
  })

  test('is redacted before it is cut', () => {
    const token = callbackToken(SECRET, 'j', REF, NOW)
    const long = (most: number) => `${'x'.repeat(most - 60)} ${token.slice(token.lastIndexOf('.') + 1)}`
    for (let shift = 0; shift < 60; shift++) {
      const body = JSON.stringify({ error: `${'y'.repeat(shift)}${long(500)}` })
      const refused = sortRunAnswer({ kind: 'answered', status: 400, headers: new Headers(), text: body })
      expect(JSON.stringify(refused)).not.toContain(token.slice(-43, -10))
      const error = `${'y'.repeat(shift)}${long(10_000)}`
      const told = observationOf({
        status: 'FAILED',
        error,
        id: null,
        delayTime: null,
        executionTime: null,
        workerId: null,
      })
      expect(told.error).not.toContain(token.slice(-43, -10))
    }
  })
})
