/**
 * Every route to a video, and every way to redirect it to another file. Each attack is one change to a valid request,
 * and leaves the bucket unchanged.
 */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { encodeKey, partPath, signedQuery, uploadPath } from '../../../actors/shared/signing.ts'
import { companionPath, type FileClaims } from '../../../actors/shared/upload-token.ts'
import { ROUTES } from '../../../src/router.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import { api, downloadOf, post, SECRET, useHttpWorld } from '../../support/workerd/http.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'
import { begin, bytesOf, PartsClient } from '../../support/workerd/uploads.ts'

useHttpWorld()

const LATER = T0 + HOUR
/** A file of project 7; project 8 has the other. */
const KEY = 'input/attacked/mine.mp4'
const OTHER = 'input/attacked/theirs.mp4'
/** The file uploaded in parts; its actor keeps state, so each test uses another. */
let FILE: FileClaims

beforeEach(async () => {
  const { objects } = await env.VIDEOS.list()
  if (objects.length > 0) await env.VIDEOS.delete(objects.map(({ key }) => key))
  await env.VIDEOS.put(KEY, 'hello', { customMetadata: { project: '7' } })
  await env.VIDEOS.put(OTHER, 'other', { customMetadata: { project: '8' } })
  FILE = {
    kind: 'file',
    key: `input/attacked/${crypto.randomUUID()}.mp4`,
    contentType: 'video/mp4',
    sizeBytes: null,
    projectId: 7,
    jobId: null,
  }
})

interface Knock {
  method: string
  path: string
  body?: Uint8Array | string
}

function knock({ method, path, body }: Knock): Promise<Response> {
  const type = typeof body === 'string' ? 'application/json' : 'video/mp4'
  const about = body === undefined ? {} : { 'Content-Type': type, 'Content-Length': String(body.length) }
  return api(path, { method, headers: about, ...(body !== undefined && { body }) })
}

async function bucket(): Promise<unknown> {
  const { objects } = await env.VIDEOS.list()
  return objects.map(({ key, etag }) => [key, etag])
}

/** Refused with the appropriate status, and without any effect. */
async function expectRefused(...attacks: Knock[]): Promise<void> {
  const before = await bucket()
  for (const attack of attacks) {
    const response = await knock(attack)
    expect({ ...attack, status: response.status, text: await response.text() }).toMatchObject({
      status: expect.toSatisfy((status: number) => [400, 401, 403, 404, 405].includes(status)),
    })
  }
  expect(await bucket()).toEqual(before)
}

interface Door {
  /** A request that is valid until `expiresAt`; `parts` is an upload of `FILE` that has one part. */
  open(parts: PartsClient, expiresAt: number): Knock
  /** The same request for another key, signed for it if it is signed for any. */
  aim?(key: string, encoded: string): Knock
}

const underToken = (method: string, rest: string, body?: string): Door => ({
  open: ({ key, uploadId }, expiresAt) => {
    const path = new PartsClient(companionPath(SECRET, FILE, expiresAt), { key, uploadId }).path(rest)
    return { method, path, ...(body !== undefined && { body }) }
  },
  aim: (key, encoded) => {
    const companion = companionPath(SECRET, { ...FILE, key }, LATER)
    return {
      method,
      path: `${companion}/s3/multipart/u${rest}?key=${encoded}`,
      ...(body !== undefined && { body }),
    }
  },
})

const partOne = JSON.stringify({ parts: [{ PartNumber: 1, ETag: 'replaced' }] })
const TOKEN = '/api/uploads/:token/s3/multipart'
const DOORS: Record<string, Door> = {
  'PUT /api/videos/upload/:key+': {
    open: (_, until) => ({ method: 'PUT', path: uploadPath(SECRET, KEY, {}, until), body: bytesOf(5) }),
    aim: (key, encoded) => {
      const query = signedQuery(SECRET, 'upload', `PUT ${key}`, {}, LATER)
      return { method: 'PUT', path: `/api/videos/upload/${encoded}?${query}`, body: bytesOf(5) }
    },
  },
  'GET /api/videos/download/:key+': {
    open: (_, until) => ({ method: 'GET', path: downloadOf(KEY, { project: '7', until }) }),
    aim: (key, encoded) => {
      const query = signedQuery(SECRET, 'download', `GET ${key}`, { project: '7' }, LATER)
      return { method: 'GET', path: `/api/videos/download/${encoded}?${query}` }
    },
  },
  'PUT /api/uploads/part/:key+': {
    open: ({ key, uploadId }, until) => ({
      method: 'PUT',
      path: partPath(SECRET, key, uploadId, 1, until),
      body: bytesOf(5),
    }),
    aim: (key, encoded) => {
      const query = signedQuery(SECRET, 'part', `PUT ${key}`, { upload: 'u', part: '1' }, LATER)
      return { method: 'PUT', path: `/api/uploads/part/${encoded}?${query}`, body: bytesOf(5) }
    },
  },
  [`POST ${TOKEN}`]: {
    open: (_, until) => ({
      method: 'POST',
      path: `${companionPath(SECRET, FILE, until)}/s3/multipart`,
      body: '{}',
    }),
  },
  [`GET ${TOKEN}/:upload`]: underToken('GET', ''),
  [`GET ${TOKEN}/:upload/progress`]: underToken('GET', '/progress'),
  [`GET ${TOKEN}/:upload/:part`]: underToken('GET', '/1'),
  [`POST ${TOKEN}/:upload/complete`]: underToken('POST', '/complete', partOne),
  [`DELETE ${TOKEN}/:upload`]: underToken('DELETE', ''),
}

/** These require an access token, and take no key; their refusals are covered by other tables. */
const ELSEWHERE = ['POST /api/videos/upload-url', 'POST /api/uploads', 'GET /api/uploads/:token/s3/params']

it('The table has every route that leads to a video', () => {
  const names = ROUTES.map(({ method, path }) => `${method} ${path}`)
  const leading = names.filter((name) => /\/api\/(?:videos|uploads)/.test(name))
  expect([...Object.keys(DOORS), ...ELSEWHERE].sort()).toEqual(leading.sort())
})

describe.each(Object.entries(DOORS))('%s', (_name, door) => {
  let parts: PartsClient
  let works: Knock
  beforeEach(async () => {
    parts = await begin(companionPath(SECRET, FILE, LATER))
    const etag = await parts.send(1, bytesOf(5))
    works = door.open(parts, LATER)
    if (works.body === partOne) works.body = partOne.replace('replaced', etag)
  })

  it('opens to whom it was given', async () => {
    expect((await knock(works)).status).toBeLessThan(300)
  })

  it('is closed once it has expired', async () => {
    await expectRefused({ ...works, path: door.open(parts, T0).path })
  })

  it('is closed to an altered signature', async () => {
    const changed = [
      works.path.replace(/(sig=[\w-]{10})./, (_, start) => `${start}~`),
      works.path.replace(/(\/api\/uploads\/[\w-]+\.[\w-]{10})./, (_, start) => `${start}~`),
      works.path.replace(/exp=\d+/, 'exp=99999999999'),
      works.path.replace(/(\/api\/uploads\/[\w-]{20})./, (_, start) => `${start}_`),
    ].filter((path) => path !== works.path)
    expect(changed.length).toBeGreaterThan(1)
    await expectRefused(...changed.map((path) => ({ ...works, path })))
  })

  it('is closed to every other method', async () => {
    const { path } = works
    // The token of an upload is valid for all of its operations, each with its own method.
    const routes = Object.entries(DOORS).filter(([, { open }]) => open(parts, LATER).path === path)
    const own = routes.map(([name]) => name.split(' ')[0])
    const others = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].filter(
      (other) => !own.includes(other === 'HEAD' ? 'GET' : other),
    )
    expect(others.length).toBeGreaterThan(2)
    const bodyFor = (other: string) => (other === 'GET' || other === 'HEAD' ? {} : { body: bytesOf(5) })
    await expectRefused(...others.map((method) => ({ method, path, ...bodyFor(method) })))
  })
})

const EVIL = [
  '../secret.mp4',
  'input/../secret.mp4',
  'input/a/../../secret.mp4',
  'input/..',
  'input/./a.mp4',
  'input//a.mp4',
  '/input/a.mp4',
  'secret/a.mp4',
  'inputs/a.mp4',
  'INPUT/a.mp4',
  'input/a\u0000.mp4',
  'input/a\n.mp4',
  'input/a\\..\\..\\b.mp4',
  `input/${'x'.repeat(1100)}`,
]
/** Plain, with every slash encoded, with the dots encoded, and encoded twice. */
const WRITINGS: ((key: string) => string)[] = [
  encodeKey,
  (key) => encodeURIComponent(key),
  (key) => encodeURIComponent(key).replaceAll('.', '%2e'),
  (key) => encodeURIComponent(encodeURIComponent(key)),
]

const AIMED = Object.entries(DOORS).flatMap(([name, { aim, open }]) => (aim ? [{ name, aim, open }] : []))

describe.each(AIMED)('$name', ({ aim, open }) => {
  it('does not lead to another key, however it is written, not even when it is signed', async () => {
    await expectRefused(...EVIL.flatMap((key) => WRITINGS.map((write) => aim(key, write(key)))))
  })

  it('does not lead to another’s key by a signature of one’s own', async () => {
    const parts = await begin(companionPath(SECRET, FILE, LATER))
    const works = open(parts, LATER)
    const moved = [
      works.path.replace(encodeURIComponent(parts.key), encodeURIComponent(OTHER)),
      works.path.replace(parts.key, OTHER),
      works.path.replace(KEY, OTHER),
    ].filter((path) => path !== works.path)
    expect(moved.length).toBeGreaterThan(0)
    await expectRefused(...moved.map((path) => ({ ...works, path })))
  })
})

describe('A download by an access token', () => {
  const path = (key: string) => `https://exportal.test/api/videos/download/${encodeKey(key)}`
  const both = async (token: string, key: string) => {
    const answers = [
      await api(path(key), { headers: bearer(token) }),
      await api(`${path(key)}?token=${token}`),
      await api(path(key), { method: 'HEAD', headers: bearer(token) }),
    ]
    return answers.map(({ status }) => status)
  }
  const JOB = '01930000-0000-7000-8000-00000000000a'

  it('opens the files of its project, and those of no project', async () => {
    await env.VIDEOS.put('input/attacked/common.mp4', 'x')
    const token = await tokenOf({ scopes: ['jobs:read'], projectId: 7 })
    expect(await both(token, KEY)).toEqual([200, 200, 200])
    expect(await both(token, 'input/attacked/common.mp4')).toEqual([200, 200, 200])
    expect(await both(await tokenOf(), OTHER)).toEqual([200, 200, 200])
  })

  it('does not know the files of another project', async () => {
    const token = await tokenOf({ scopes: ['jobs:read'], projectId: 7 })
    expect(await both(token, OTHER)).toEqual([404, 404, 404])
  })

  it('opens of one job its own files alone', async () => {
    const token = await tokenOf({ scopes: ['jobs:read'], projectId: 7, jobId: JOB })
    const [own, other] = [`output/${JOB}/1-1.mp4`, 'output/01930000-0000-7000-8000-00000000000b/1-1.mp4']
    for (const key of [own, other]) await env.VIDEOS.put(key, 'x', { customMetadata: { project: '7' } })
    expect(await both(token, own)).toEqual([200, 200, 200])
    expect(await both(token, other)).toEqual([404, 404, 404])
    expect(await both(token, KEY)).toEqual([404, 404, 404])
  })

  it('needs the scope, and a token that holds', async () => {
    expect(await both(await tokenOf({ scopes: ['videos:write'] }), KEY)).toEqual([403, 403, 403])
    expect(await both('nonsense', KEY)).toEqual([401, 401, 401])
  })
})

it('A token of one project gets no upload for another', async () => {
  const headers = bearer(await tokenOf({ scopes: ['videos:write'], projectId: 7 }))
  const file = { filename: 'a.mp4', content_type: 'video/mp4', size_bytes: 5 }
  const ask = async (path: string, body: object) => (await post(path, body, headers)).status
  expect(await ask('/api/videos/upload-url', { ...file, project_id: 8 })).toBe(403)
  expect(await ask('/api/uploads', { project_id: 8 })).toBe(403)
  expect(await ask('/api/videos/upload-url', file)).toBe(200)
  expect(await ask('/api/uploads', {})).toBe(200)
})
