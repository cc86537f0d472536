/** A signed URL is valid for one key, one method, one purpose, fixed limits, and until its expiry. */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  callbackToken,
  encodeKey,
  signedQuery,
  uploadPath,
  webhookPath,
} from '../../../actors/shared/signing.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import { api, apiWith, downloadOf, problemOf, SECRET, useHttpWorld } from '../../support/workerd/http.ts'

useHttpWorld()

const KEY = 'input/signed/a.mp4'
const OTHER = 'input/signed/b.mp4'
const LATER = T0 + HOUR
const ID = '0192f000-0000-7000-8000-0000000000dd'
const FIRST = { round: 1, attempt: 1 }

beforeEach(async () => {
  await env.VIDEOS.put(KEY, 'hello')
  await env.VIDEOS.put(OTHER, 'other')
})

const down = () => downloadOf(KEY, { until: LATER })
const up = (params: Record<string, string> = {}) => uploadPath(SECRET, KEY, params, LATER)
const swapQuery = (path: string, query: string) => `${path.split('?')[0]}?${query.split('?')[1]}`
const edit = (path: string, change: (query: URLSearchParams) => void) => {
  const [address, query] = path.split('?')
  const params = new URLSearchParams(query)
  change(params)
  return `${address}?${params}`
}

const PUT = { method: 'PUT', body: 'hello', headers: { 'Content-Length': '5', 'Content-Type': 'video/mp4' } }

type Row = [name: string, path: string, init: RequestInit, status: number, code: string]
const REFUSED: Row[] = [
  [
    'download without query',
    `https://exportal.test/api/videos/download/${KEY}`,
    {},
    401,
    'signature_missing',
  ],
  [
    'download without sig',
    `https://exportal.test${edit(down(), (q) => q.delete('sig'))}`,
    {},
    401,
    'signature_missing',
  ],
  ['download without exp', edit(down(), (q) => q.delete('exp')), {}, 401, 'signature_missing'],
  ['empty sig', edit(down(), (q) => q.set('sig', '')), {}, 401, 'signature_missing'],
  [
    'altered sig',
    edit(down(), (q) => q.set('sig', `${q.get('sig')?.slice(0, -2)}xx`)),
    {},
    403,
    'signature_invalid',
  ],
  ['huge sig', edit(down(), (q) => q.set('sig', 'x'.repeat(5000))), {}, 403, 'signature_invalid'],
  ['later exp', edit(down(), (q) => q.set('exp', '99999999999')), {}, 403, 'signature_invalid'],
  ['second exp', `${down()}&exp=99999999999`, {}, 403, 'signature_invalid'],
  ['unsigned parameter', `${down()}&project=2`, {}, 403, 'signature_invalid'],
  ['another project', edit(down(), (q) => q.set('project', '2')), {}, 403, 'signature_invalid'],
  ['no project', edit(down(), (q) => q.delete('project')), {}, 403, 'signature_invalid'],
  ['a name that was not signed', `${down()}&name=setup.exe`, {}, 403, 'signature_invalid'],
  ['another key', down().replace('a.mp4', 'b.mp4'), {}, 403, 'signature_invalid'],
  ['a longer key', down().replace('a.mp4', 'a.mp4/b.mp4'), {}, 403, 'signature_invalid'],
  ['expired', downloadOf(KEY, { until: T0 - 1000 }), {}, 403, 'signature_expired'],
  ['expires this very second', downloadOf(KEY, { until: T0 }), {}, 403, 'signature_expired'],
  ['another secret', downloadOf(KEY, { secret: 'x'.repeat(40), until: LATER }), {}, 403, 'signature_invalid'],
  ['upload signature on a download', swapQuery(down(), up()), {}, 403, 'signature_invalid'],
  ['download signature on an upload', swapQuery(up(), down()), PUT, 403, 'signature_invalid'],
  [
    'upload purpose signed for GET',
    `/api/videos/download/${KEY}?${signedQuery(SECRET, 'upload', `GET ${KEY}`, { project: '1' }, LATER)}`,
    {},
    403,
    'signature_invalid',
  ],
  [
    'download purpose signed for PUT',
    `/api/videos/upload/${KEY}?${signedQuery(SECRET, 'download', `PUT ${KEY}`, {}, LATER)}`,
    PUT,
    403,
    'signature_invalid',
  ],
  [
    'webhook signature on a download',
    swapQuery(down(), webhookPath(SECRET, ID, FIRST, LATER)),
    {},
    403,
    'signature_invalid',
  ],
  [
    'callback token as a signature',
    edit(down(), (q) => q.set('sig', callbackToken(SECRET, ID, FIRST, LATER))),
    {},
    403,
    'signature_invalid',
  ],
  ['upload without query', `/api/videos/upload/${KEY}`, PUT, 401, 'signature_missing'],
  [
    'upload with a raised size',
    edit(up({ size: '5' }), (q) => q.set('size', '9')),
    PUT,
    403,
    'signature_invalid',
  ],
  [
    'upload without its size',
    edit(up({ size: '5' }), (q) => q.delete('size')),
    PUT,
    403,
    'signature_invalid',
  ],
  [
    'upload with another type',
    edit(up({ type: 'video/mp4' }), (q) => q.set('type', 'a/b')),
    PUT,
    403,
    'signature_invalid',
  ],
  ['upload that drops once', edit(up({ once: '1' }), (q) => q.delete('once')), PUT, 403, 'signature_invalid'],
  [
    'upload for another project',
    edit(up({ project: '1' }), (q) => q.set('project', '2')),
    PUT,
    403,
    'signature_invalid',
  ],
  ['upload, expired', uploadPath(SECRET, KEY, {}, T0 - 1), PUT, 403, 'signature_expired'],
]

describe('refused', () => {
  it.each(REFUSED)('%s', async (_name, path, init, status, code) => {
    await problemOf(await api(path, init), status, code)
    expect(await (await env.VIDEOS.get(KEY))?.text()).toBe('hello')
  })

  it.each([
    'input/../output/a.mp4',
    'secret/a.mp4',
    'inputs/a.mp4',
    'input//a.mp4',
    'input/a\\b.mp4',
    'input/a\u0000.mp4',
    'input/',
    'input/..',
  ])('a key that is not ours, even when it is signed: %j', async (key) => {
    // Sent unchanged: a URL parser would resolve dots before the service receives them.
    const encoded = key
      .split('/')
      .map((part) => (part === '..' ? '..%2f' : encodeURIComponent(part)))
      .join('/')
    const query = signedQuery(SECRET, 'download', `GET ${key}`, { project: '1' }, LATER)
    await problemOf(await api(`/api/videos/download/${encoded}?${query}`), 400, 'invalid_key')
    const putQuery = signedQuery(SECRET, 'upload', `PUT ${key}`, {}, LATER)
    await problemOf(await api(`/api/videos/upload/${encoded}?${putQuery}`, PUT), 400, 'invalid_key')
  })

  it.each(['input%2Fsigned%2Fa.mp4', 'input/signed%2fa.mp4', 'input/%zz', 'input/%ff.mp4', 'input/%'])(
    'a path that hides its key: %s',
    async (encoded) => {
      await problemOf(
        await api(`/api/videos/download/${encoded}?${down().split('?')[1]}`),
        400,
        'invalid_key',
      )
    },
  )
})

describe('accepted', () => {
  it('GET and HEAD by one signature, from any host, with presentation added', async () => {
    expect((await api(down())).status).toBe(200)
    expect((await api(down(), { method: 'HEAD' })).status).toBe(200)
    expect((await api(`https://exportal.test${down()}`)).status).toBe(200)
    expect((await api(`${down()}&inline=1`)).status).toBe(200)
  })

  it('whatever the order of the parameters', async () => {
    const query = new URLSearchParams(up({ size: '5', type: 'video/mp4' }).split('?')[1])
    const reversed = new URLSearchParams([...query].reverse())
    expect((await api(`/api/videos/upload/${encodeKey(KEY)}?${reversed}`, PUT)).status).toBe(201)
  })

  it('of the previous secret, during a rotation', async () => {
    const next = 'the-next-secret-of-more-than-32-characters'
    expect((await apiWith({ AUTH_SECRET: next, AUTH_SECRET_PREVIOUS: SECRET }, down())).status).toBe(200)
    await problemOf(await apiWith({ AUTH_SECRET: next }, down()), 403, 'signature_invalid')
  })

  it('in production, where the development secret signs nothing', async () => {
    const secret = 'a-strong-secret-of-more-than-32-characters'
    const env = { ENVIRONMENT: 'production', AUTH_SECRET: secret }
    expect((await apiWith(env, downloadOf(KEY, { secret, until: LATER }))).status).toBe(200)
    await problemOf(await apiWith(env, down()), 403, 'signature_invalid')
  })
})
