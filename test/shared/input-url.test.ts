import { describe, expect, it } from 'vitest'
import { inputUrlFault, inputUrlOf, secretsOfUrl } from '../../actors/shared/input-url.ts'
import { withoutSecrets } from '../../actors/shared/redact.ts'
import { resultName } from '../../actors/shared/result-name.ts'
import type { Settings } from '../../actors/shared/settings.ts'

type Where = Pick<Settings, 'environment' | 'publicUrl'>
const production: Where = { environment: 'production', publicUrl: 'https://exports.example.com' }
const development: Where = { environment: 'development', publicUrl: 'http://localhost:8000' }

const HTTPS = 'Only https URLs are fetched.'
const LITERAL = 'A literal IP address is not fetched: give it a name.'
const PRIVATE = 'Addresses of private or local networks are not fetched.'
const SIGNED_IN = 'A URL with a user name or password is not fetched.'
const ITSELF = 'This is the address of this service itself: name the key of the file as input_video_key.'

describe('An input', () => {
  it.each([
    'https://cdn.example.com/clip.mp4',
    'https://cdn.example.com:8443/clip.mp4?X-Amz-Signature=0a',
    'https://bücher.example/',
    'https://cdn.example.com./clip.mp4#t=3',
  ])('may lie at %s, in production and in development', (url) => {
    expect([inputUrlFault(url, production), inputUrlFault(url, development)]).toEqual([null, null])
  })

  it.each([
    ['clip.mp4', 'This is not a URL.'],
    ['', 'This is not a URL.'],
    ['http://cdn.example.com/clip.mp4', HTTPS],
    ['ftp://cdn.example.com/clip.mp4', HTTPS],
    ['file:///etc/passwd', HTTPS],
    ['data:video/mp4;base64,AAAA', HTTPS],
    ['https://user@cdn.example.com/clip.mp4', SIGNED_IN],
    ['https://:secret@cdn.example.com/clip.mp4', SIGNED_IN],
    ['https://EXPORTS.example.com./api/videos/download/input/a.mp4', ITSELF],
    ['https://exports.example.com:8443/', ITSELF],
    ['https://93.184.215.14/clip.mp4', LITERAL],
    ['https://[2606:4700::1111]/clip.mp4', LITERAL],
    ['https://2130706433/clip.mp4', LITERAL],
    ['https://0x7f.1/clip.mp4', LITERAL],
    ['https://169.254.169.254/latest/meta-data', LITERAL],
    ['https://metadata.google.internal/', PRIVATE],
    ['https://intranet/clip.mp4', PRIVATE],
    ['https://localhost/clip.mp4', PRIVATE],
    ['http://localhost/clip.mp4', HTTPS],
    ['http://127.0.0.1/clip.mp4', HTTPS],
  ])('may not lie at %s: %s', (url, fault) => {
    expect(inputUrlFault(url, production)).toBe(fault)
    expect(inputUrlFault(url, { ...production, environment: 'staging' })).toBe(fault)
  })

  it.each([
    'http://localhost:9000/clip.mp4',
    'http://127.0.0.1:9000/clip.mp4',
    'http://[::1]:9000/clip.mp4',
    'https://localhost/clip.mp4',
  ])('may lie on a developer’s own computer: %s', (url) => {
    expect(inputUrlFault(url, development)).toBeNull()
  })

  it.each([
    ['http://cdn.example.com/clip.mp4', HTTPS],
    ['http://192.168.1.5/clip.mp4', HTTPS],
    ['https://192.168.1.5/clip.mp4', LITERAL],
    ['https://printer.local/clip.mp4', PRIVATE],
    ['http://localhost.example.com/clip.mp4', HTTPS],
    ['http://localhost:8000/api/videos/download/input/a.mp4', ITSELF],
  ])('and there may not lie at %s: %s', (url, fault) => {
    expect(inputUrlFault(url, development)).toBe(fault)
  })
})

describe('Of an address', () => {
  it('origin and path are shown, and all but the fragment is fetched', () => {
    expect(inputUrlOf('HTTPS://CDN.example.com:443/a%20b.mp4?sig=x%2Fy&n=1#t=3')).toEqual({
      whole: 'https://cdn.example.com/a%20b.mp4?sig=x%2Fy&n=1',
      shown: 'https://cdn.example.com/a%20b.mp4',
    })
  })

  it('the query is a secret: as it stands, in its parts, and decoded', () => {
    const url = inputUrlOf(
      'https://cdn.example.com/a.mp4?Policy=eyPolicy%2B%2Fvalue&k=AKIA12345678&barevalue99',
    )
    const told = [url.whole, 'Policy is eyPolicy+/value', 'k: AKIA12345678', 'query \\u0026barevalue99']
    const text = withoutSecrets(told.join(' | '), secretsOfUrl(url))
    expect(text).toContain('https://cdn.example.com/a.mp4?…')
    for (const part of ['eyPolicy', 'AKIA', 'barevalue']) expect(text).not.toContain(part)
  })

  it.each([
    ['https://cdn.example.com/films/my%20holiday.mov', 'my holiday-trim.mp4'],
    ['https://cdn.example.com/a%2Fb%0Ac.mov', 'b c-trim.mp4'],
    ['https://cdn.example.com/100%.mov', '100%-trim.mp4'],
    ['https://cdn.example.com/', 'video-trim.mp4'],
  ])('%s a result is named %s', (source, name) => {
    expect(resultName(source, 'trim', 'output/job/1-1.mp4')).toBe(name)
  })
})
