/** Whether the studio goes on with an upload that a reload broke off. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { UploadPlan } from '../../web/src/service.ts'
import { mayGoOn } from '../../web/src/upload/resume.ts'

const PART = 1000
const bytes = new Uint8Array(2 * PART + 5).map((_, i) => i % 251)
const begun = { uploadId: 'u/1', key: 'input/1/clip.mp4' }
let listed: { status: number; parts: unknown[] }
let asked: string[]
let plan: UploadPlan

beforeEach(async () => {
  listed = { status: 200, parts: [] }
  asked = []
  const server = createServer(({ url = '' }, response) => {
    asked.push(url)
    response.writeHead(listed.status).end(JSON.stringify(listed.parts))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  plan = {
    upload_url: null,
    video_key: 'input/1/clip.mp4',
    method: 'PUT',
    headers: {},
    expires_at: '2100-01-01T00:00:00.000Z',
    size_bytes: bytes.length,
    multipart: { companion_url: `http://127.0.0.1:${port}/api/uploads/tok`, part_size_bytes: PART },
  }
})

const partOf = (file: Uint8Array, number: number) => {
  const part = file.subarray((number - 1) * PART, number * PART)
  const MD5 = createHash('md5').update(part).digest('hex')
  return { PartNumber: number, Size: part.length, ETag: `e${number}`, MD5 }
}

test('with the very file whose parts are stored', async () => {
  listed.parts = [partOf(bytes, 1), partOf(bytes, 3)]
  expect(await mayGoOn(plan, begun, new Blob([bytes]))).toBe(true)
  expect(asked).toEqual(['/api/uploads/tok/s3/multipart/u%2F1?key=input%2F1%2Fclip.mp4'])
})

test('not with another file, though it has the same size', async () => {
  listed.parts = [partOf(bytes, 1), partOf(bytes, 2)]
  expect(await mayGoOn(plan, begun, new Blob([bytes.with(PART + 1, 255)]))).toBe(false)
})

test('not with parts of which nobody knows the checksum', async () => {
  listed.parts = [{ ...partOf(bytes, 1), MD5: undefined }]
  expect(await mayGoOn(plan, begun, new Blob([bytes]))).toBe(false)
})

test('not with a file of another size: nothing is asked', async () => {
  expect(await mayGoOn(plan, begun, new Blob([bytes.subarray(1)]))).toBe(false)
  expect(asked).toEqual([])
})

test('not once the upload has ended; and what cannot be read is an error', async () => {
  listed.status = 404
  expect(await mayGoOn(plan, begun, new Blob([bytes]))).toBe(false)
  listed.status = 503
  await expect(mayGoOn(plan, begun, new Blob([bytes]))).rejects.toThrow('(503)')
})

test('with a file of which no part was sent yet', async () => {
  expect(await mayGoOn(plan, undefined, new Blob([bytes]))).toBe(true)
})
