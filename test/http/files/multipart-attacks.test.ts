/** The credentials of one multipart upload grant access to that upload only. */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { partPath, signedQuery, uploadPath } from '../../../actors/shared/signing.ts'
import { companionPath, type UploadClaims, uploadToken } from '../../../actors/shared/upload-token.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import { api, post, problemOf, SECRET, tablesOf, useHttpWorld } from '../../support/workerd/http.ts'
import { beginInProject, bytesOf, companionFor, PartsClient, putPart } from '../../support/workerd/uploads.ts'

useHttpWorld()

const LATER = T0 + HOUR
const PROJECT: UploadClaims = { kind: 'project', projectId: 7 }
const FILE: UploadClaims = {
  kind: 'file',
  key: 'input/attacked/a.mp4',
  contentType: 'video/mp4',
  sizeBytes: 5,
  projectId: 7,
  jobId: null,
}
const tokenOf = (claims: UploadClaims, expiresAt = LATER, secret = SECRET) =>
  uploadToken(secret, claims, expiresAt)
const payloadOf = (claims: object) =>
  btoa(JSON.stringify({ ...claims, exp: 4_102_448_400 }))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
const swapSignature = (token: string, other: string) => `${token.split('.')[0]}.${other.split('.')[1]}`

describe('A token is refused', () => {
  it.each([
    ['empty', '.x', 'signature_invalid'],
    ['without a signature', payloadOf(PROJECT), 'signature_invalid'],
    ['with an altered signature', tokenOf(PROJECT).replace(/..$/, 'xx'), 'signature_invalid'],
    [
      'with altered claims',
      swapSignature(`${payloadOf({ ...PROJECT, projectId: 8 })}.x`, tokenOf(PROJECT)),
      'signature_invalid',
    ],
    ['with another token’s signature', swapSignature(tokenOf(FILE), tokenOf(PROJECT)), 'signature_invalid'],
    ['with something behind it', `${tokenOf(PROJECT)}.more`, 'signature_invalid'],
    ['of another secret', tokenOf(PROJECT, LATER, 'x'.repeat(40)), 'signature_invalid'],
    ['that is no token', 'null', 'signature_invalid'],
    [
      'with a signature of another purpose',
      `${payloadOf(PROJECT)}.${signatureOf(uploadPath(SECRET, 'input/a/b', {}, LATER))}`,
      'signature_invalid',
    ],
    ['expired', tokenOf(PROJECT, T0 - 1000), 'signature_expired'],
    ['expired this very second', tokenOf(PROJECT, T0), 'signature_expired'],
  ])('%s', async (_name, token, code) => {
    const body = { filename: 'a.mp4', type: 'video/mp4' }
    await problemOf(await post(`/api/uploads/${token}/s3/multipart`, body), 403, code)
    const upload = new PartsClient(`/api/uploads/${token}`, { key: 'input/a/b.mp4', uploadId: 'u' })
    for (const response of [await upload.list(), await upload.abort(), await api(upload.path('/1'))]) {
      await problemOf(response, 403, code)
    }
  })
})

function signatureOf(path: string): string {
  return new URLSearchParams(path.split('?')[1]).get('sig') ?? ''
}

describe('A key is refused', () => {
  it.each([
    'output/x/1-1.mp4',
    'input/../output/a.mp4',
    'input/a/../../secret',
    'secret/a.mp4',
    'inputs/a.mp4',
    'input//a.mp4',
    'input/a\\b.mp4',
    'input/a\u0000.mp4',
    'input/',
    '',
    'input/..',
    `input/${'x'.repeat(1025)}`,
  ])('under a project’s token: %j', async (key) => {
    const upload = new PartsClient(`/api/uploads/${tokenOf(PROJECT)}`, { key, uploadId: 'u' })
    await problemOf(await upload.list(), 400, 'validation_failed')
    await problemOf(await upload.complete(['x']), 400, 'validation_failed')
    await problemOf(await upload.abort(), 400, 'validation_failed')
  })

  it.each(['input/attacked/b.mp4', 'output/attacked/a.mp4', 'input/attacked/a.mp4/b'])(
    'under the token of another file: %s',
    async (key) => {
      const upload = new PartsClient(companionPath(SECRET, FILE, LATER), { key, uploadId: 'u' })
      await problemOf(await upload.list(), 404, 'upload_not_found')
      await problemOf(await api(upload.path('/1')), 404, 'upload_not_found')
      expect(await tablesOf(env.UPLOAD.getByName(key))).toEqual([])
    },
  )

  it.each([
    ['%2e%2e%2fescape.mp4', 'mp4'],
    ['..%5cescape.mp4', 'escape.mp4'],
    ['../../output/x/1-1.mp4', '1-1.mp4'],
    ['a/b/c.mp4', 'c.mp4'],
  ])('and never made of a filename: %s', async (filename) => {
    const body = { filename, type: 'video/mp4' }
    const response = await post(`${await companionFor(7)}/s3/multipart`, body)
    const { key } = await response.json<{ key: string }>()
    expect(key).toMatch(/^input\/[0-9a-f-]{36}\/[\p{L}\p{N}._-]+$/u)
  })

  it.each(['video/x+xml', 'text/html'])(
    'of a file whose token was signed for the type %s',
    async (contentType) => {
      const key = `input/${crypto.randomUUID()}/a.mp4`
      const response = await post(
        `${companionPath(SECRET, { ...FILE, key, contentType }, LATER)}/s3/multipart`,
        {},
      )
      await problemOf(response, 415, 'unsupported_media_type')
      expect(await tablesOf(env.UPLOAD.getByName(key))).toEqual([])
    },
  )

  it.each(['text/html', 'image/svg+xml', 'video/x+xml', 'application/octet-stream', ''])(
    'of the type %j',
    async (type) => {
      const response = await post(`${await companionFor(7)}/s3/multipart`, { filename: 'a.mp4', type })
      await problemOf(response, 400, 'validation_failed')
    },
  )
})

describe('An upload of another project', () => {
  it('does not exist: not to list, sign, complete or abort', async () => {
    const theirs = await beginInProject(8)
    const etag = await theirs.send(1, bytesOf(3))
    for (const claims of [PROJECT, { ...PROJECT, projectId: null }] as const) {
      const mine = new PartsClient(companionPath(SECRET, claims, LATER), theirs)
      const answers = [
        await mine.list(),
        await mine.progress(),
        await api(mine.path('/2')),
        await mine.complete([etag]),
        await mine.abort(),
      ]
      for (const response of answers) await problemOf(response, 404, 'upload_not_found')
    }
    expect((await theirs.complete([etag])).status).toBe(200)
  })

  it('keeps its own, under an id of ours', async () => {
    const [mine, theirs] = [await beginInProject(7), await beginInProject(7)]
    const mixed = new PartsClient(mine.companion, { key: theirs.key, uploadId: mine.uploadId })
    await problemOf(await mixed.list(), 404, 'upload_not_found')
    await problemOf(await mixed.abort(), 404, 'upload_not_found')
    expect((await theirs.list()).status).toBe(200)
  })
})

describe('The URL of a part', () => {
  let mine: PartsClient
  let theirs: PartsClient
  beforeEach(async () => {
    mine = await beginInProject(7)
    theirs = await beginInProject(8)
  })
  const edit = (path: string, change: (query: URLSearchParams) => void) => {
    const [address, query] = path.split('?')
    const params = new URLSearchParams(query)
    change(params)
    return `${address}?${params}`
  }

  it.each<[string, (path: string) => string, number, string]>([
    ['without its query', (path) => path.split('?')[0] ?? '', 401, 'signature_missing'],
    ['without its signature', (path) => edit(path, (q) => q.delete('sig')), 401, 'signature_missing'],
    ['for another part', (path) => edit(path, (q) => q.set('part', '2')), 403, 'signature_invalid'],
    [
      'for another upload',
      (path) => edit(path, (q) => q.set('upload', theirs.uploadId)),
      403,
      'signature_invalid',
    ],
    ['for another key', (path) => path.replace(mine.key, theirs.key), 403, 'signature_invalid'],
    ['for longer', (path) => edit(path, (q) => q.set('exp', '99999999999')), 403, 'signature_invalid'],
    ['with a second part', (path) => `${path}&part=2`, 403, 'signature_invalid'],
    ['altered', (path) => path.replace(/sig=../, 'sig=xx'), 403, 'signature_invalid'],
    ['expired', () => partPath(SECRET, mine.key, mine.uploadId, 1, T0), 403, 'signature_expired'],
    [
      'with a slash hidden',
      (path) => path.replace(mine.key, mine.key.replaceAll('/', '%2F')),
      400,
      'invalid_key',
    ],
    ['out of our prefixes', () => partPath(SECRET, 'secret/a.mp4', 'u', 1, LATER), 400, 'invalid_key'],
    [
      'signed as a whole upload',
      () => `/api/uploads/part/${mine.key}?${signedQuery(SECRET, 'upload', `PUT ${mine.key}`, {}, LATER)}`,
      403,
      'signature_invalid',
    ],
    [
      'of an upload that never was',
      () => partPath(SECRET, mine.key, 'none', 1, LATER),
      404,
      'upload_not_found',
    ],
  ])('is refused %s', async (_name, change, status, code) => {
    const path = change(partPath(SECRET, mine.key, mine.uploadId, 1, LATER))
    await problemOf(await putPart(path, bytesOf(3)), status, code)
    expect(await (await mine.list()).json()).toEqual([])
  })

  it('does not open the file itself, nor any other method', async () => {
    const path = await mine.sign(1)
    const query = path.split('?')[1]
    const init = { method: 'PUT', body: 'abc', headers: { 'Content-Length': '3' } }
    await problemOf(await api(`/api/videos/upload/${mine.key}?${query}`, init), 403, 'signature_invalid')
    await problemOf(await api(`/api/videos/download/${mine.key}?${query}`), 403, 'signature_invalid')
    for (const method of ['GET', 'POST', 'DELETE']) {
      const response = await api(path, { method })
      expect([404, 405]).toContain(response.status)
    }
  })
})
