import { describe, expect, it } from 'vitest'
import type { Settings } from '../../actors/shared/settings.ts'
import { webhookUrlFault } from '../../actors/shared/webhook-target.ts'

type Where = Pick<Settings, 'environment' | 'publicUrl'>
const production: Where = { environment: 'production', publicUrl: 'https://exports.example.com' }
const development: Where = { environment: 'development', publicUrl: 'http://localhost:8000' }

const NOT_A_URL = 'This is not a URL.'
const NOT_HTTPS = 'Only https URLs are called.'
const LITERAL = 'A literal IP address is not called: give it a name.'
const PRIVATE = 'Addresses of private or local networks are not called.'
const ITSELF = 'This is the address of this service itself.'
const SIGNED_IN = 'A URL with a user name or password is not called.'

describe('Outside development a webhook', () => {
  it.each([
    'https://hooks.example.com/exports?x=1',
    'https://hooks.example.com:8443/',
    'https://hooks.example.com./',
    'https://bücher.example/',
  ])('may go to %s', (url) => {
    expect(webhookUrlFault(url, production)).toBeNull()
    expect(webhookUrlFault(url, { ...production, environment: 'staging' })).toBeNull()
  })

  it.each([
    ['hooks.example.com', NOT_A_URL],
    ['', NOT_A_URL],
    ['https://', NOT_A_URL],
    ['https://256.1.1.1/', NOT_A_URL],
    ['http://hooks.example.com/', NOT_HTTPS],
    ['ftp://hooks.example.com/', NOT_HTTPS],
    ['javascript:alert(1)', NOT_HTTPS],
    ['file:///etc/passwd', NOT_HTTPS],
    ['https://user@hooks.example.com/', SIGNED_IN],
    ['https://:secret@hooks.example.com/', SIGNED_IN],
    // This service, in any spelling.
    ['https://exports.example.com/api/jobs', ITSELF],
    ['https://EXPORTS.example.com./', ITSELF],
    ['https://exports.example.com../', ITSELF],
    ['https://exports.example.com:8443/', ITSELF],
    // Names.
    ['https://localhost/', PRIVATE],
    ['https://localhost./', PRIVATE],
    ['https://LOCALHOST/', PRIVATE],
    ['https://hooks.localhost/', PRIVATE],
    ['https://metadata.google.internal/', PRIVATE],
    ['https://printer.local/', PRIVATE],
    ['https://router.lan./', PRIVATE],
    ['https://intranet/', PRIVATE],
    // Public ones too: Cloudflare refuses to fetch them.
    ['https://93.184.215.14/', LITERAL],
    ['https://[2606:4700::1111]/', LITERAL],
    // IPv4 in each of its spellings: dotted, short, decimal, hexadecimal, octal, percent-encoded, full width, dotted end.
    ['https://127.0.0.1/', LITERAL],
    ['https://127.0.0.1./', LITERAL],
    ['https://127.1/', LITERAL],
    ['https://2130706433/', LITERAL],
    ['https://0x7f000001/', LITERAL],
    ['https://0x7f.1/', LITERAL],
    ['https://0177.0.0.1/', LITERAL],
    ['https://%31%32%37.0.0.1/', LITERAL],
    ['https://１２７.0.0.1/', LITERAL],
    ['https://127。0。0。1/', LITERAL],
    ['https://0/', LITERAL],
    ['https://10.1.2.3/', LITERAL],
    ['https://100.64.0.1/', LITERAL],
    ['https://169.254.169.254/latest/meta-data', LITERAL],
    ['https://0xa9fea9fe/', LITERAL],
    ['https://172.16.0.1/', LITERAL],
    ['https://172.31.255.255/', LITERAL],
    ['https://192.168.1.1/', LITERAL],
    ['https://192.0.0.8/', LITERAL],
    ['https://192.0.2.1/', LITERAL],
    ['https://192.88.99.1/', LITERAL],
    ['https://198.18.0.1/', LITERAL],
    ['https://198.51.100.1/', LITERAL],
    ['https://203.0.113.1/', LITERAL],
    ['https://224.0.0.1/', LITERAL],
    ['https://255.255.255.255/', LITERAL],
    // IPv6: itself, mapped, translated, tunnelled, local, multicast, documentation.
    ['https://[::1]/', LITERAL],
    ['https://[::]/', LITERAL],
    ['https://[0:0:0:0:0:0:0:1]/', LITERAL],
    ['https://[::ffff:127.0.0.1]/', LITERAL],
    ['https://[::ffff:7f00:1]/', LITERAL],
    ['https://[::ffff:93.184.215.14]/', LITERAL],
    ['https://[::127.0.0.1]/', LITERAL],
    ['https://[64:ff9b::7f00:1]/', LITERAL],
    ['https://[2::1]/', LITERAL],
    ['https://[23::1]/', LITERAL],
    ['https://[2001::7f00:1]/', LITERAL],
    ['https://[2001:0:1::1]/', LITERAL],
    ['https://[2001:20::1]/', LITERAL],
    ['https://[2001:db8::1]/', LITERAL],
    ['https://[2002:7f00:1::]/', LITERAL],
    ['https://[3fff:abc::1]/', LITERAL],
    ['https://[fc00::1]/', LITERAL],
    ['https://[fd12:3456::1]/', LITERAL],
    ['https://[fe80::1]/', LITERAL],
    ['https://[ff02::1]/', LITERAL],
  ])('may not go to %s: %s', (url, fault) => {
    expect(webhookUrlFault(url, production)).toBe(fault)
  })
})

describe('In development a webhook', () => {
  it.each(['http://localhost:9000/', 'http://127.0.0.1:9000/', 'https://hooks.example.com/'])(
    'may go to %s',
    (url) => {
      expect(webhookUrlFault(url, development)).toBeNull()
    },
  )

  it.each([
    ['http://localhost:8000/hook', ITSELF],
    ['http://localhost.:8000/hook', ITSELF],
    ['http://user:password@localhost:9000/', SIGNED_IN],
    ['ftp://localhost/', NOT_HTTPS],
  ])('may not go to %s: %s', (url, fault) => {
    expect(webhookUrlFault(url, development)).toBe(fault)
  })
})
