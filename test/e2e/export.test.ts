/** The path of the demo with real processes and a real clip: what the user sees matches the actual files. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createExports } from '../../client/index.ts'
import { makeClip, probe } from '../../scripts/clip.ts'
import { ffmpeg } from '../support/node/media.ts'

const stack = inject('stack')

describe.skipIf(!ffmpeg)('an export, end to end', () => {
  let dir = ''
  let clip = ''

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'exportal-e2e-'))
    clip = join(dir, 'clip.mp4')
    await makeClip(clip, 2)
  })

  afterAll(() => rm(dir, { recursive: true, force: true }))

  it('burns the overlay into a clip that still plays, and shows progress on the way', async () => {
    const client = createExports({ baseUrl: stack.url })
    const { video_key } = await uploadClip()
    const created = await client.jobs.create({
      project_id: 1,
      type: 'overlay',
      input_video_key: video_key,
      params: {
        items: [
          { type: 'text', text: 'X', x: 0.4, y: 0.4, size: 0.3, color: '#ffffff', background: '#000000' },
        ],
      },
    })
    expect(created).toMatchObject({ status: 'pending', websocket_url: `/api/jobs/${created.job_id}/ws` })

    const seen: number[] = []
    const job = await client.jobs.waitFor(created.job_id, { onProgress: (percent) => seen.push(percent) })
    expect(job).toMatchObject({ status: 'complete', attempt: 1, progress: 100 })
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen.some((percent) => percent > 0 && percent < 100)).toBe(true)

    const result = join(dir, 'result.mp4')
    const download = await fetch(new URL(job.output_url ?? '', stack.url))
    await writeFile(result, Buffer.from(await download.arrayBuffer()))
    const before = await probe(clip)
    const after = await probe(result)
    expect(after.durationSeconds).toBeCloseTo(before.durationSeconds, 0)
    expect([after.width, after.height]).toEqual([before.width, before.height])
    // Inside the text's box the result is black or white; far from it, it is unchanged.
    expect(await pixel(clip, 0.41, 0.42)).not.toSatisfy(isDark)
    expect(await pixel(result, 0.41, 0.42)).toSatisfy(isDark)
    expect(distance(await pixel(result, 0.9, 0.9), await pixel(clip, 0.9, 0.9))).toBeLessThan(40)
  })

  it('ends a job whose input is no video, with a sentence that a person can act on', async () => {
    const client = createExports({ baseUrl: stack.url })
    const file = new Blob(['this is no video'], { type: 'video/mp4' })
    const { video_key } = await client.uploadVideo(file, {
      projectId: 1,
      filename: 'broken.mp4',
    })
    const { job_id } = await client.jobs.create({
      project_id: 1,
      type: 'transcode',
      input_video_key: video_key,
    })
    const job = await client.jobs.waitFor(job_id, { resolveFailed: true })
    expect(job).toMatchObject({
      status: 'error',
      attempt: 1,
      error: { code: 'invalid_media', retryable: false },
    })
    expect(job.error?.message).toMatch(/video/i)
  })

  async function uploadClip(): Promise<{ video_key: string }> {
    const file = new Blob([await readFile(clip)], { type: 'video/mp4' })
    return createExports({ baseUrl: stack.url }).uploadVideo(file, { projectId: 1, filename: 'clip.mp4' })
  }
})

type Rgb = [number, number, number]

/** The colour at a fraction of the frame, one second in. */
async function pixel(path: string, x: number, y: number): Promise<Rgb> {
  if (!ffmpeg) throw new Error('No ffmpeg.')
  const crop = `crop=4:4:iw*${x}:ih*${y},scale=1:1`
  const args = [
    '-v',
    'error',
    '-ss',
    '1',
    '-i',
    path,
    '-frames:v',
    '1',
    '-vf',
    crop,
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-',
  ]
  const { stdout } = await promisify(execFile)(ffmpeg.path, args, { encoding: 'buffer' })
  const [red = 0, green = 0, blue = 0] = stdout
  return [red, green, blue]
}

function isDark(colour: Rgb): boolean {
  return Math.max(...colour) < 60
}

function distance(a: Rgb, b: Rgb): number {
  return Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? 0))))
}
