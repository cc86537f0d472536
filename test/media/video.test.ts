import { describe, expect, it } from 'vitest'
import { clipArgs, ffmpeg } from '../support/node/media.ts'
import { Clips, PUT } from '../support/node/runpod-local/exports.ts'
import { eventually, startLocal } from '../support/node/runpod-local/local.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

const clips = new Clips()

const near = (pixel: number[], wanted: number[]) =>
  pixel.every((value, i) => Math.abs(value - (wanted[i] ?? 0)) < 50)

describe.skipIf(ffmpeg === null)('the worker with ffmpeg', () => {
  it('exports a video, reports on the way, stores it once and completes', async () => {
    const { service, id, ended, stored } = await clips.render('transcode', {}, clips.clip)
    expect(ended).toMatchObject({ status: 'COMPLETED', output: { output_video_key: 'output/job-1/1-1.mp4' } })
    expect(await clips.tools.probe(stored)).toMatchObject({
      width: 320,
      height: 180,
      sound: { codec: 'aac' },
    })
    expect((await clips.tools.probe(stored)).duration).toBeCloseTo(2, 0)
    expect(service.stored.get(PUT)?.headers).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': String(stored.length),
      'if-none-match': '*',
    })
    expect(service.of('complete').map(({ body }) => body)).toEqual([
      { output_video_key: 'output/job-1/1-1.mp4', runpod_job_id: id },
    ])
    expect(new Set(service.reports.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer secret-token']),
    )
    const progress = service.of('progress').map(({ body }) => body)
    const percents = progress.map(({ progress }) => Number(progress))
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(percents.at(-1)).toBeLessThanOrEqual(99)
    expect(new Set(progress.map(({ stage }) => stage))).toContain('rendering')
    expect(progress.every(({ runpod_job_id }) => runpod_job_id === id)).toBe(true)
    expect(service.reports.at(-1)?.kind).toBe('complete')
  })

  it('lays text and images over the video, at their place and in their time', async () => {
    const items = [
      {
        type: 'text',
        text: 'HHHHHH',
        x: 0.5,
        y: 0.5,
        size: 0.3,
        color: '#00ff00',
        background: '#0000ff',
        opacity: 1,
      },
      {
        type: 'image',
        image_key: 'input/logo.png',
        x: 0,
        y: 0,
        width: 0.25,
        start_seconds: 0,
        end_seconds: 1,
      },
    ]
    const { stored } = await clips.render('overlay', { items }, clips.black)
    const [early, late] = [await clips.tools.frame(stored, 0.5), await clips.tools.frame(stored, 1.5)]
    expect(near(early(40, 40), [255, 0, 0])).toBe(true)
    expect(near(late(40, 40), [0, 0, 0])).toBe(true)
    expect(near(early(163, 93), [0, 0, 255])).toBe(true)
    const row = Array.from({ length: 100 }, (_, i) => late(180 + i, 120))
    expect(row.some((pixel) => near(pixel, [0, 255, 0]))).toBe(true)
    expect(near(early(100, 160), [0, 0, 0])).toBe(true)
    expect((await clips.tools.probe(stored)).sound).toBe(null)
  })

  it.each([
    ['it\'s "quoted": 100% \\ [a],b;c=d'],
    ['%{pts} %{localtime} \\n \\x41 $HOME `id`'],
    ['two\nlines\r\nthree\ttabs\u0000nul'],
    ["':enable=0[out];movie=/etc/passwd'"],
    ['é ü \ud800 lone'],
  ])('draws %j literally', async (text) => {
    const item = { type: 'text', text, x: 0, y: 0, size: 0.15, background: '#0000ff' }
    const { ended, stored } = await clips.render('overlay', { items: [item] }, clips.black)
    expect(ended.status).toBe('COMPLETED')
    const frame = await clips.tools.frame(stored, 1)
    expect(near(frame(3, 3), [0, 0, 255])).toBe(true)
    const drawn = Array.from({ length: 300 * 25 }, (_, i) => frame(5 + (i % 300), 5 + Math.floor(i / 300)))
    expect(drawn.some((pixel) => near(pixel, [255, 255, 255]))).toBe(true)
  })

  it.each([
    ['no items', {}],
    ['an empty list and an empty text', { items: [{ type: 'text', text: ' \u0007' }] }],
  ])('takes an overlay of %s', async (_name, params) => {
    const { ended } = await clips.render('overlay', params, clips.black)
    expect(ended.status).toBe('COMPLETED')
  })

  it('trims to the part asked for', async () => {
    const { stored } = await clips.render('trim', { start_seconds: 0.5, end_seconds: 1.5 }, clips.clip)
    expect((await clips.tools.probe(stored)).duration).toBeCloseTo(1, 1)
  })

  it.each([
    ['an aspect ratio', { aspect_ratio: '9:16', focus_x: 1 }, { width: 100, height: 180 }],
    ['a rectangle', { x: 0.5, y: 0, width: 0.5, height: 0.5 }, { width: 160, height: 90 }],
  ])('crops to %s', async (_name, params, size) => {
    const { stored } = await clips.render('crop', params, clips.clip)
    expect(await clips.tools.probe(stored)).toMatchObject(size)
  })

  it('transcodes to webm of another size and rate, with bars where the aspect differs', async () => {
    const output = { container: 'webm', width: 200, height: 200, fps: 10, quality: 'low' }
    const { stored } = await clips.render('transcode', { output }, clips.clip)
    expect(stored.subarray(0, 4).toString('hex')).toBe('1a45dfa3')
    const look = await clips.tools.probe(stored)
    expect(look).toMatchObject({ demuxer: 'matroska', width: 200, height: 200, sound: { codec: 'opus' } })
    const frame = await clips.tools.frame(stored, 1)
    expect(near(frame(100, 10), [0, 0, 0])).toBe(true)
    expect(near(frame(100, 100), [0, 0, 0])).toBe(false)
  })

  it('reads a rotated MOV with odd sides as its viewer sees it', async () => {
    await clips.tools.make('upright.mov', ...clipArgs(1, '161x91'), '-pix_fmt', 'yuv444p')
    const turned = await clips.tools.make(
      'turned.mov',
      '-i',
      'upright.mov',
      '-c',
      'copy',
      '-metadata:s:v:0',
      'rotate=90',
    )
    const { stored } = await clips.render('transcode', { output: { container: 'mov' } }, turned)
    const look = await clips.tools.probe(stored)
    expect(Math.abs(look.width - 91) + Math.abs(look.height - 161)).toBeLessThanOrEqual(2)
  })

  it('goes on to complete when the result is there already', async () => {
    const service = await fakeService()
    service.files.set('clip.mp4', clips.black)
    service.answerPut = () => 412
    const local = await startLocal()
    await local.post('/run', { input: service.input('transcode', {}) })
    await eventually(() => expect(service.of('complete')).toHaveLength(1), 18_000)
  })
})
