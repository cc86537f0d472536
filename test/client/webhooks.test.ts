import { createHmac, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { type VerifyWebhook, verifyWebhook, WebhookVerificationError } from '../../client/webhooks.ts'

/** The example with which the specification's own libraries are tested. */
const example = {
  payload: '{"test": 2432232314}',
  headers: {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  },
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  now: 1614265330_000,
}

const code = (webhook: VerifyWebhook) =>
  verifyWebhook(webhook).then(
    () => 'verified',
    (error: unknown) => (error instanceof WebhookVerificationError ? error.code : error),
  )

const sign = (secret: string, { payload, headers }: typeof example) =>
  `v1,${createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${payload}`)
    .digest('base64')}`

test('the published example is verified, and its payload parsed', async () => {
  expect(await verifyWebhook(example)).toEqual({ test: 2432232314 })
})

test('a secret may come with the white space of its file', async () => {
  expect(await code({ ...example, secret: `\uFEFF ${example.secret}\r\n` })).toBe('verified')
})

test('headers may be of Fetch or of Node, in any case', async () => {
  expect(await code({ ...example, headers: new Headers(example.headers) })).toBe('verified')
  const shouted = Object.entries(example.headers).map(([name, value]) => [name.toUpperCase(), [value]])
  expect(await code({ ...example, headers: Object.fromEntries(shouted) })).toBe('verified')
})

test('headers may be of another implementation of Fetch than the global one', async () => {
  const { headers } = example
  const foreign = { get: (name: string) => new Headers(headers).get(name) }
  expect(await code({ ...example, headers: foreign })).toBe('verified')
  expect(await code({ ...example, headers: { get: () => null } })).toBe('missing_header')
  // A header may have the name of a method.
  expect(await code({ ...example, headers: { ...headers, get: 'x' } })).toBe('verified')
})

test('the body may be given as bytes, of whatever type', async () => {
  const payload = '{"name":"\u00fc\ud83c\udfac"}'
  const bytes = new TextEncoder().encode(payload)
  const within = new Uint8Array([0, ...bytes, 0]).subarray(1, -1)
  const headers = {
    ...example.headers,
    'webhook-signature': sign(example.secret, { ...example, payload }),
  }
  for (const body of [bytes, within, bytes.buffer, Buffer.from(payload), new DataView(bytes.buffer)]) {
    expect(await verifyWebhook({ ...example, headers, payload: body })).toEqual(JSON.parse(payload))
  }
  expect(await code({ ...example, headers, payload: within.subarray(1) })).toBe('no_match')
})

test('a body that a framework has parsed already is told as what it is, and not as a forgery', async () => {
  for (const payload of [{ test: 2432232314 }, null, undefined]) {
    const error = await code({ ...example, payload: payload as never })
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).toMatch(/as it was received/)
  }
})

test('one right signature among several is enough, whatever their versions', async () => {
  const other = sign(`whsec_${randomBytes(24).toString('base64')}`, example)
  const right = example.headers['webhook-signature']
  const list = `v1a,abc v2,${right.slice(3)} v1 v1,%% ${other} ${right}`
  expect(await code({ ...example, headers: { ...example.headers, 'webhook-signature': list } })).toBe(
    'verified',
  )
  const without = { ...example.headers, 'webhook-signature': list.replace(` ${right}`, '') }
  expect(await code({ ...example, headers: without })).toBe('no_match')
})

test('several secrets are accepted while one is being replaced', async () => {
  const fresh = `whsec_${randomBytes(32).toString('base64')}`
  expect(await code({ ...example, secret: [fresh, example.secret] })).toBe('verified')
  expect(await code({ ...example, secret: fresh })).toBe('no_match')
  const headers = { ...example.headers, 'webhook-signature': sign(fresh, example) }
  expect(await code({ ...example, headers, secret: [example.secret, fresh] })).toBe('verified')
})

test('a previous secret that is not set is left out, and none at all is told apart', async () => {
  for (const unset of [undefined, '', ' \n']) {
    expect(await code({ ...example, secret: [example.secret, unset] })).toBe('verified')
    expect(await code({ ...example, secret: [unset] })).toBe('bad_secret')
  }
  expect(await code({ ...example, secret: [] })).toBe('bad_secret')
  expect(await code({ ...example, secret: undefined as never })).toBe('bad_secret')
})

test('any change of what is signed is noticed', async () => {
  expect(await code({ ...example, payload: '{"test":2432232314}' })).toBe('no_match')
  expect(await code({ ...example, headers: { ...example.headers, 'webhook-id': 'msg_x' } })).toBe('no_match')
  const later = { ...example.headers, 'webhook-timestamp': '1614265331' }
  expect(await code({ ...example, headers: later })).toBe('no_match')
})

test.each([
  [-301, 'outside_tolerance'],
  [-300, 'verified'],
  [300, 'verified'],
  [301, 'outside_tolerance'],
])('a clock that is %i s off: %s', async (seconds, expected) => {
  expect(await code({ ...example, now: example.now + seconds * 1000 })).toBe(expected)
})

test.each(['', '12x', 'NaN', '-5', '1e9'])('the timestamp %o is refused', async (timestamp) => {
  const headers = { ...example.headers, 'webhook-timestamp': timestamp }
  expect(await code({ ...example, headers })).toMatch(/^(missing_header|outside_tolerance)$/)
})

test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
  'without %s it is refused',
  async (name) => {
    expect(await code({ ...example, headers: { ...example.headers, [name]: undefined } })).toBe(
      'missing_header',
    )
  },
)

test('a secret that is none is told apart', async () => {
  expect(await code({ ...example, secret: 'whsec_' })).toBe('bad_secret')
  expect(await code({ ...example, secret: 'whsec_%%%' })).toBe('bad_secret')
})

test('signed text that is not JSON is told apart', async () => {
  const plain = { ...example, payload: 'hello' }
  const headers = { ...example.headers, 'webhook-signature': sign(example.secret, plain) }
  expect(await code({ ...plain, headers })).toBe('not_json')
})
