import { describe, expect, test } from 'vitest'
import { endpointsOf, pricesOf } from '../../actors/shared/endpoints.ts'
import { readSettings } from '../../actors/shared/settings.ts'

const A = 'https://api.runpod.ai/v2/a'
const B = 'https://api.runpod.ai/v2/b'
const TABLE = { default: { url: `${A}/`, price_per_second: 0.5 }, h100: { url: B, places: 4 } }

describe('The endpoints in the settings', () => {
  test('are read by name', () => {
    expect([...(endpointsOf({ RUNPOD_ENDPOINTS: JSON.stringify(TABLE) }) ?? [])]).toEqual([
      ['default', { name: 'default', url: A, places: null, pricePerSecond: 0.5 }],
      ['h100', { name: 'h100', url: B, places: 4, pricePerSecond: null }],
    ])
  })

  test('are one called default where they are given as one', () => {
    expect([...(endpointsOf({ RUNPOD_ENDPOINT: `${A}/`, GPU_PRICE_PER_SECOND: '0.5' }) ?? [])]).toEqual([
      ['default', { name: 'default', url: A, places: null, pricePerSecond: 0.5 }],
    ])
    expect(endpointsOf({})?.size).toBe(0)
    expect(
      endpointsOf({ RUNPOD_ENDPOINT: B, RUNPOD_ENDPOINTS: JSON.stringify(TABLE) })?.get('default')?.url,
    ).toBe(A)
  })

  test.each([`${A}/`, ` ${A}\n`, `${A}/run`, `${A}/runsync/`, `${A}//`])(
    'are read as they are copied: %j',
    (url) => {
      expect(endpointsOf({ RUNPOD_ENDPOINT: url })?.get('default')?.url).toBe(A)
      const table = JSON.stringify({ default: { url } })
      expect(endpointsOf({ RUNPOD_ENDPOINTS: ` ${table}\n` })?.get('default')?.url).toBe(A)
    },
  )

  test.each(['api.runpod.ai/v2/a', 'a', `“${A}”`, `${A}?x=1`, `${A}#x`, 'https://me:pw@x.test/v2/a'])(
    'refuse to serve at an address that no path can follow: %s',
    (url) => {
      const refused = (name: string) => ({ ok: false, missing: [name] })
      const table = JSON.stringify({ default: { url } })
      const read = (env: object) => readSettings({ ENVIRONMENT: 'development', ...env })
      expect(read({ RUNPOD_ENDPOINT: url })).toEqual(refused('RUNPOD_ENDPOINT'))
      expect(read({ RUNPOD_ENDPOINTS: table })).toEqual(refused('RUNPOD_ENDPOINTS'))
    },
  )

  test.each([
    'default',
    '{}',
    '[]',
    '{"h100":{"url":"https://x.test/v2/a"}}',
    '{"default":{"url":"ftp://x.test/v2/a"}}',
    '{"default":{"url":"x"}}',
    '{"default":{}}',
    '{"default":{"url":"https://x.test/v2/a","price_per_second":-1}}',
    '{"default":{"url":"https://x.test/v2/a","prices":1}}',
    '{"default":{"url":"https://x.test/v2/a","places":0}}',
    '{"default":{"url":"https://x.test/v2/a","places":1.5}}',
    '{"default":{"url":"https://x.test/v2/a"},"H 100":{"url":"https://x.test/v2/b"}}',
  ])('refuse to serve when they cannot be read: %s', (table) => {
    expect(readSettings({ ENVIRONMENT: 'development', RUNPOD_ENDPOINTS: table })).toEqual({
      ok: false,
      missing: ['RUNPOD_ENDPOINTS'],
    })
  })

  test('have a price by name, and for an address only while it is theirs', () => {
    const prices = pricesOf(endpointsOf({ RUNPOD_ENDPOINTS: JSON.stringify(TABLE) }) ?? new Map())
    expect([prices('default', null), prices('default', A), prices('default', B)]).toEqual([0.5, 0.5, null])
    expect([prices('h100', B), prices('a40', null)]).toEqual([null, null])
  })
})

describe('Of the other settings', () => {
  const read = (env: object) => readSettings({ ENVIRONMENT: 'development', ...env })

  test.each(['“rpa_key”', 'rpa key', 'rpa\u0001key'])(
    'a key that no header can carry is named: %j',
    (key) => {
      expect(read({ RUNPOD_API_KEY: key })).toEqual({ ok: false, missing: ['RUNPOD_API_KEY'] })
    },
  )

  test('the key may have been pasted with a line break', () => {
    expect(read({ RUNPOD_API_KEY: 'rpa_key\n' })).toMatchObject({ settings: { runpodApiKey: 'rpa_key' } })
  })

  test('what Cloudflare Access names may have been pasted with a line break', () => {
    const access = { ACCESS_TEAM_DOMAIN: 'team.cloudflareaccess.com\n', ACCESS_AUD: ' aud\n' }
    expect(read(access)).toMatchObject({
      settings: { access: { issuer: 'https://team.cloudflareaccess.com', audience: 'aud' } },
    })
  })

  test.each(['https://x.test?a=1', 'https://x.test/#top', 'https://me:pw@x.test', '"https://x.test"'])(
    'an address of the service that no path can follow is named: %s',
    (url) => {
      expect(read({ PUBLIC_URL: url })).toEqual({ ok: false, missing: ['PUBLIC_URL'] })
    },
  )

  test.each([
    ['https://X.Test/', 'https://x.test'],
    [' https://x.test:8443//\n', 'https://x.test:8443'],
    ['https://bücher.test/?', 'https://xn--bcher-kva.test'],
  ])('the address of the service is read in its own form: %j', (url, known) => {
    expect(read({ PUBLIC_URL: url })).toMatchObject({ settings: { publicUrl: known } })
  })
})
