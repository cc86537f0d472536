/** The poster of a result, created by ffmpeg and stored beside it; or omitted, which does not affect the result. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ffmpeg } from '../support/node/media.ts'
import { Clips, PUT } from '../support/node/runpod-local/exports.ts'
import { type Json, startLocal } from '../support/node/runpod-local/local.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

const clips = new Clips()
const POSTER = '/put/1-1.jpg'

/** One export that requests a poster, whose PUT is answered with `status`. */
async function render(type: string, params: Json, file: Buffer, status?: number) {
  const service = await fakeService()
  service.files.set('clip.mp4', file)
  service.answerPut = (path) => (path === POSTER ? status : undefined)
  const local = await startLocal()
  const output = {
    ...(service.input(type, params).output as Json),
    poster_put_url: `${service.url}${POSTER}`,
  }
  const { body } = await local.post('/run', { input: service.input(type, params, { output }) })
  const ended = await local.reaches(String(body.id), 'COMPLETED')
  return { service, local, ended, poster: service.stored.get(POSTER) }
}

describe.skipIf(ffmpeg === null)('a result', () => {
  it('gets a poster of its colours, without notes, and says so', async () => {
    const red = await clips.tools.make(
      'wide.mp4',
      ...['-f', 'lavfi', '-i', 'color=0xe60023:s=1600x90:r=25:d=0.2'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast'],
      ...['-vf', 'scale=out_color_matrix=bt709:out_range=tv', '-colorspace', 'bt709', '-pix_fmt', 'yuv420p'],
    )
    const { service, ended, poster } = await render('transcode', {}, red)
    expect(poster?.headers).toMatchObject({ 'content-type': 'image/jpeg', 'if-none-match': '*' })
    const jpeg = poster?.body ?? Buffer.alloc(0)
    expect(jpeg.toString('latin1')).not.toMatch(/Lavc|Exif/)
    await writeFile(join(clips.tools.dir, 'poster.jpg'), jpeg)
    const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1']
    const pixels = await clips.tools.run('-i', 'poster.jpg', ...raw)
    expect(pixels.length).toBe(1280 * 72 * 3)
    const pixel = [...pixels.subarray(0, 3)]
    for (const [channel, wanted] of [0xe6, 0, 0x23].entries()) {
      expect(Math.abs((pixel[channel] ?? 0) - wanted), `${pixel}`).toBeLessThanOrEqual(4)
    }
    expect(service.of('complete')[0]?.body).toMatchObject({ poster: true })
    expect(ended.output).toEqual({ output_video_key: 'output/job-1/1-1.mp4', poster: true })
  })

  it.each(['mp4', 'webm'])('has a poster as %s of a single frame', async (container) => {
    const params = { end_seconds: 0.04, output: { container } }
    const { poster } = await render('trim', params, clips.black)
    expect(poster?.body.subarray(0, 2).toString('hex')).toBe('ffd8')
  })

  it('counts a poster that is there already', async () => {
    const { service } = await render('transcode', {}, clips.black, 412)
    expect(service.of('complete')[0]?.body).toMatchObject({ poster: true })
  })

  it.each([403, 413, 500])('is complete without a poster when that is answered %i', async (status) => {
    const { service, local, ended } = await render('transcode', {}, clips.black, status)
    expect(service.stored.has(PUT)).toBe(true)
    expect(service.of('complete')[0]?.body).not.toHaveProperty('poster')
    expect(ended.output).toEqual({ output_video_key: 'output/job-1/1-1.mp4' })
    expect(local.lines.join('\n')).toContain('poster.missing')
    expect(local.lines.join('\n')).not.toContain('secret')
  })

  it('has none when none is asked for', async () => {
    const { service } = await clips.render('transcode', {}, clips.black)
    expect([...service.stored.keys()]).toEqual([PUT])
    expect(service.of('complete')[0]?.body).not.toHaveProperty('poster')
  })
})
