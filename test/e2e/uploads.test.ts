/**
 * Multipart uploads to the real service: a file larger than the limit of one PUT is stored, rendered and downloaded.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createExports, type ExportsClient, type FetchLike, type UploadPlan } from '../../client/index.ts'
import { makeClip, probe } from '../../scripts/clip.ts'
import { ffmpeg } from '../support/node/media.ts'

const MIB = 1024 ** 2
/** Seconds of video: neither it nor its result fits into one PUT. */
const SECONDS = 6
const stack = inject('stack')

describe.skipIf(!ffmpeg)('uploads in parts, end to end', () => {
  let dir = ''
  let large: Buffer<ArrayBuffer>

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'exportal-uploads-'))
    const clip = join(dir, 'clip.mp4')
    await makeClip(clip, SECONDS)
    large = padded(await readFile(clip), 11 * MIB)
  })

  afterAll(() => rm(dir, { recursive: true, force: true }))

  const client = (fetch?: FetchLike): ExportsClient =>
    createExports({ baseUrl: stack.url, ...(fetch && { fetch }) })
  const file = () => new File([large], 'large.mp4', { type: 'video/mp4' })
  const download = (key: string) => fetch(`${stack.url}/api/videos/download/${key}`)

  it('an upload that broke off goes on under its plan, and no part is sent twice', async () => {
    const sent: string[] = []
    let plan: UploadPlan | undefined
    const failing: FetchLike = async (url, init) => {
      const part = init?.method === 'PUT' ? new URL(url).searchParams.get('part') : null
      if (part === '3') return new Response(null, { status: 400 })
      if (part !== null) sent.push(part)
      return fetch(url, init)
    }
    // One part after the other, so that the first two are stored when the third fails.
    const source = { size: large.length, name: 'large.mp4', stream: () => file().stream() }
    const onPlan = (given: UploadPlan) => {
      plan = given
    }
    await expect(client(failing).uploadVideo(source, { onPlan })).rejects.toMatchObject({ status: 400 })
    expect(sent).toEqual(['1', '2'])
    const { video_key } = await client((url, init) => {
      if (init?.method === 'PUT') sent.push(new URL(url).searchParams.get('part') ?? '')
      return fetch(url, init)
    }).uploadVideo(file(), { plan })
    expect(sent).toEqual(['1', '2', '3'])
    expect(Buffer.from(await (await download(video_key)).arrayBuffer()).equals(large)).toBe(true)
    expect((await client().uploadVideo(file(), { plan })).video_key).toBe(video_key)
  })

  it('a job’s output comes in parts where one PUT is refused', async () => {
    const { video_key } = await client().uploadVideo(file(), { projectId: 1 })
    const { job_id } = await client().jobs.create({
      project_id: 1,
      type: 'transcode',
      input_video_key: video_key,
    })
    const job = await client().jobs.waitFor(job_id)
    expect(job).toMatchObject({ status: 'complete', attempt: 1 })
    const result = join(dir, 'result.mp4')
    const stored = await download(job.output_video_key ?? '')
    // R2 indicates by the number of parts in the ETag that an object was stored in parts.
    expect(stored.headers.get('ETag')).toMatch(/-\d+"$/)
    await writeFile(result, Buffer.from(await stored.arrayBuffer()))
    expect((await probe(result)).durationSeconds).toBeCloseTo(SECONDS, 0)
  })

  it('ffmpeg seeks over the download URL: it reads the end of a file whose middle it skips', async () => {
    // The index is behind ten mebibytes of padding.
    const { video_key } = await client().uploadVideo(file(), { projectId: 1 })
    // By address: a statically linked ffmpeg cannot resolve names.
    const url = `${stack.url.replace('localhost', '127.0.0.1')}/api/videos/download/${video_key}`
    const args = ['-v', 'debug', '-ss', '1.5', '-i', url, '-frames:v', '1', '-f', 'md5', '-']
    const { stdout, stderr } = await promisify(execFile)(ffmpeg?.path ?? '', args, { maxBuffer: 64 * MIB })
    expect(stdout).toMatch(/^MD5=[0-9a-f]{32}/)
    const [, read, seeks] = /Statistics: (\d+) bytes read, (\d+) seeks/.exec(stderr) ?? []
    expect(Number(seeks)).toBeGreaterThan(0)
    expect(Number(read)).toBeLessThan(large.length / 2)
  })

  it.each([
    '/api/videos/download/input/../../etc/passwd',
    '/api/videos/download/../input/a.mp4',
    '/api/videos/download/input/%2e%2e/%2e%2e/secret',
    '/api/videos/download/input/..%2f..%2fsecret',
    '/api/videos/download/input%2fa%2fb.mp4',
    '/api/videos/download/input/a%00.mp4',
    '/api/videos/download//input/a.mp4',
    '/api/videos/download/input/a%5c..%5cb.mp4',
    '/api/videos/download/input/%c0%ae%c0%ae/secret',
    '/api/videos/download/input/%252e%252e/secret',
  ])('a path sent raw, as no browser would: %s', async (path) => {
    for (const method of ['GET', 'HEAD']) expect(await rawStatus(method, path)).toSatisfy(isRefusal)
    const put = path.replace('/download/', '/upload/')
    expect(await rawStatus('PUT', put)).toSatisfy(isRefusal)
  })

  function rawStatus(method: string, path: string): Promise<number> {
    const { hostname, port } = new URL(stack.url)
    return new Promise((settle, reject) => {
      const sending = request(
        { hostname, port, method, path, headers: { 'Content-Length': 0 } },
        (answer) => {
          answer.resume()
          settle(answer.statusCode ?? 0)
        },
      )
      sending.on('error', reject).end()
    })
  }
})

const isRefusal = (status: number) => status >= 400 && status < 500

/** The same video with a box of zeros before its index, so that the file has this many bytes. */
function padded(video: Buffer, size: number): Buffer<ArrayBuffer> {
  const at = video.lastIndexOf('moov') - 4
  const box = Buffer.alloc(size - video.length)
  box.writeUInt32BE(box.length)
  box.write('free', 4, 'latin1')
  return Buffer.concat([video.subarray(0, at), box, video.subarray(at)])
}
