/**
 * Presigned URLs: compared with AWS's published example, and with a store that verifies every signature independently.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AwsV4Signer } from 'aws4fetch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { presign, type S3 } from '../../src/files/s3.ts'
import { signatureFault } from '../support/workerd/sigv4.ts'

/** From "Authenticating Requests: Using Query Parameters" in the S3 API reference. */
const EXAMPLE: S3 = {
  bucketUrl: 'https://examplebucket.s3.amazonaws.com',
  region: 'us-east-1',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}

describe('AWS’s own vectors', () => {
  it('the presigned GET of the S3 API reference', async () => {
    const now = Date.UTC(2013, 4, 24)
    const url = new URL(
      await presign(EXAMPLE, { method: 'GET', key: 'test.txt', now, expiresAt: now + 86_400_000 }),
    )
    expect(Object.fromEntries(url.searchParams)).toEqual({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request',
      'X-Amz-Date': '20130524T000000Z',
      'X-Amz-Expires': '86400',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    })
  })

  /** The S3 API reference, "Signature Calculations for the Authorization Header". */
  it.each([
    [
      'GET',
      'https://examplebucket.s3.amazonaws.com/test.txt',
      { range: 'bytes=0-9' },
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    [
      'GET',
      'https://examplebucket.s3.amazonaws.com/?lifecycle',
      {},
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    ],
    [
      'GET',
      'https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J',
      {},
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ])('the signer itself: %s %s', async (method, url, headers, signature) => {
    const empty = createHash('sha256').update('').digest('hex')
    const signer = new AwsV4Signer({
      ...EXAMPLE,
      method,
      url,
      headers: { ...headers, 'x-amz-content-sha256': empty },
      service: 's3',
      datetime: '20130524T000000Z',
      allHeaders: true,
    })
    const { headers: signed } = await signer.sign()
    expect(signed.get('Authorization')?.split('Signature=')[1]).toBe(signature)
  })
})

/** An S3-compatible store in this process: it accepts a PUT only when the signature covers the actual request. */
class Store {
  readonly objects = new Map<string, { body: string; headers: IncomingMessage['headers'] }>()
  readonly #server: Server

  constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const { method = '', url: target = '', headers } = request
      const fault = await signatureFault({ method, target, headers }, EXAMPLE.secretAccessKey, Date.now())
      if (fault === null && method === 'PUT') {
        const body = Buffer.concat(chunks).toString()
        const key = decodeURIComponent(new URL(target, 'http://store').pathname)
        this.objects.set(key, { body, headers })
      }
      response.writeHead(fault ? 403 : 200, { ETag: '"e"' }).end(fault ?? '')
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((settle) => this.#server.listen(0, '127.0.0.1', settle))
    const { port }: AddressInfo = JSON.parse(JSON.stringify(this.#server.address()))
    return `http://127.0.0.1:${port}`
  }

  close(): void {
    this.#server.close()
  }
}

describe('A store that checks the signature', () => {
  const store = new Store()
  let s3: S3 = EXAMPLE
  beforeAll(async () => {
    s3 = { ...EXAMPLE, bucketUrl: `${await store.listen()}/videos`, region: 'auto' }
  })
  afterAll(() => store.close())

  const signed = (key: string, body: string, over: Partial<Parameters<typeof presign>[1]> = {}) => {
    const now = Date.now()
    const headers = {
      'Content-Type': 'video/mp4',
      'Content-Length': String(body.length),
      'x-amz-meta-project': '7',
    }
    return presign(s3, { method: 'PUT', key, headers, now, expiresAt: now + 60_000, ...over })
  }
  const put = (url: string, body: string, over: Record<string, string> = {}) =>
    fetch(url, {
      method: 'PUT',
      body,
      headers: { 'Content-Type': 'video/mp4', 'x-amz-meta-project': '7', ...over },
    })

  it.each([
    'clip.mp4',
    'ü ber.mp4',
    "it's (1)!*.mp4",
    'a+b&c=d?e#f.mp4',
    '100%25.mp4',
    '视频.mp4',
    'a~b.mp4',
  ])('takes a PUT of %s, and keeps its type and owner', async (name) => {
    const key = `input/x/${name}`
    expect((await put(await signed(key, 'hello'), 'hello')).status).toBe(200)
    expect(store.objects.get(`/videos/${key}`)).toMatchObject({
      body: 'hello',
      headers: { 'content-type': 'video/mp4', 'x-amz-meta-project': '7' },
    })
  })

  it('takes a part, whose number, upload and size are signed, from clients that set only its body', async () => {
    const now = Date.now()
    const url = await presign(s3, {
      method: 'PUT',
      key: 'input/x/p.mp4',
      query: { partNumber: '3', uploadId: 'u+/=1' },
      headers: { 'Content-Length': '4' },
      now,
      expiresAt: now + 60_000,
    })
    expect((await fetch(url, { method: 'PUT', body: new Blob(['part']) })).status).toBe(200)
    for (const [address, body] of [
      [url.replace('partNumber=3', 'partNumber=4'), 'part'],
      [url, 'parts'],
      [url, 'par'],
    ] as const) {
      const other = await fetch(address, { method: 'PUT', body })
      expect([other.status, await other.text()]).toEqual([403, 'SignatureDoesNotMatch'])
    }
  })

  it.each<[string, (url: string) => Promise<Response>, string]>([
    ['a larger file than was announced', (url) => put(url, 'hello!'), 'SignatureDoesNotMatch'],
    ['another type', (url) => put(url, 'hello', { 'Content-Type': 'text/html' }), 'SignatureDoesNotMatch'],
    ['another owner', (url) => put(url, 'hello', { 'x-amz-meta-project': '8' }), 'SignatureDoesNotMatch'],
    ['another key', (url) => put(url.replace('r.mp4', 'q.mp4'), 'hello'), 'SignatureDoesNotMatch'],
    ['another method', (url) => fetch(url), 'SignatureDoesNotMatch'],
    ['a later end', (url) => put(url.replace('Expires=60', 'Expires=600'), 'hello'), 'SignatureDoesNotMatch'],
  ])('refuses %s', async (_name, send, fault) => {
    const response = await send(await signed('input/x/r.mp4', 'hello'))
    expect([response.status, await response.text()]).toEqual([403, fault])
  })

  it('refuses what has expired', async () => {
    const now = Date.now() - 120_000
    const url = await signed('input/x/late.mp4', 'hello', { now, expiresAt: now + 60_000 })
    expect(await (await put(url, 'hello')).text()).toBe('AccessDenied')
  })
})
