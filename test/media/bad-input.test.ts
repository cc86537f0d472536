import { describe, expect, it } from 'vitest'
import { clipArgs, fakeFfmpeg, ffmpeg } from '../support/node/media.ts'
import { Clips, reportedFailure } from '../support/node/runpod-local/exports.ts'
import { eventually, type Json, startLocal, temporaryDir } from '../support/node/runpod-local/local.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

const clips = new Clips()

describe.skipIf(ffmpeg === null)('bad input', () => {
  it.each<[string, () => Promise<Buffer> | Buffer]>([
    ['garbage', () => Buffer.from('this is no video at all'.repeat(100))],
    ['an empty file', () => Buffer.alloc(0)],
    ['a cut file', () => clips.clip.subarray(0, clips.clip.length / 2)],
    ['a playlist', () => Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n')],
    ['a picture', () => clips.red],
    ['sound alone', () => clips.tools.make('sound.m4a', '-f', 'lavfi', '-i', 'sine=d=1', '-c:a', 'aac')],
    [
      'a file whose pictures end early',
      async () => {
        // The index at the front declares two seconds, but the data is zeroed from the middle on.
        const whole = await clips.tools.make('front.mp4', ...clipArgs(2), '-movflags', '+faststart')
        return Buffer.concat([whole.subarray(0, whole.length / 2), Buffer.alloc(whole.length / 2)])
      },
    ],
  ])('calls %s invalid media, in a sentence, without retry', async (_name, make) => {
    const { service, ended } = await clips.render('transcode', {}, await make())
    expect(reportedFailure(service)).toMatchObject({ code: 'invalid_media', should_retry: false })
    expect(String(reportedFailure(service)?.error)).toMatch(/^The (input|result).+\.$/)
    expect(ended).toMatchObject({ status: 'FAILED', error: reportedFailure(service)?.error })
  })

  it('says how long the video is when a trim is outside of it', async () => {
    const { service } = await clips.render('trim', { start_seconds: 5 }, clips.clip)
    expect(reportedFailure(service)).toMatchObject({
      code: 'invalid_media',
      should_retry: false,
      error: expect.stringMatching(/^The trim starts at 5 s, but the video is 2\.\d\d s long\.$/),
    })
  })

  it.each([
    [404, false],
    [403, true],
  ])('calls an input that answers %i not found', async (status, retry) => {
    const { service } = await clips.render('transcode', {}, status)
    expect(reportedFailure(service)).toMatchObject({ code: 'input_not_found', should_retry: retry })
  })

  it.each<[string, string, Json]>([
    ['an unknown type', 'sharpen', {}],
    ['params of the wrong kind', 'overlay', { items: [{ type: 'text', text: 'a', color: 'red' }] }],
    [
      'an image that is not among the assets',
      'overlay',
      { items: [{ type: 'image', image_key: 'input/other.png' }] },
    ],
  ])('refuses %s', async (_name, type, params) => {
    const { service } = await clips.render(type, params, clips.black)
    expect(reportedFailure(service)).toMatchObject({ code: 'invalid_params', should_retry: false })
  })

  it('refuses text that no font has before it downloads anything', async () => {
    const { service } = await clips.render('overlay', { items: [{ type: 'text', text: 'a𓀀𓁿' }] }, 404)
    expect(reportedFailure(service)).toMatchObject({
      code: 'invalid_params',
      should_retry: false,
      error: 'The text cannot be drawn: no font here has 𓀀 𓁿.',
    })
  })

  it('says half of a surrogate pair as U+FFFD, to the service and to RunPod', async () => {
    const { service, ended } = await clips.render('a\ud800b', {}, clips.black)
    const words = expect.stringContaining('"a\ufffdb"')
    expect(reportedFailure(service)).toMatchObject({ code: 'invalid_params', error: words })
    expect(ended).toMatchObject({ status: 'FAILED', error: words })
  })

  it('refuses an image that is no image', async () => {
    const items = [{ type: 'image', image_key: 'k' }]
    const service = await fakeService()
    service.files.set('clip.mp4', clips.black)
    service.files.set('fake.png', Buffer.from('<svg/>'))
    const local = await startLocal()
    const assets = { k: `${service.url}/files/fake.png` }
    await local.post('/run', { input: service.input('overlay', { items }, { assets }) })
    await eventually(() => expect(reportedFailure(service)).toMatchObject({ code: 'invalid_media' }))
  })

  it.skipIf(process.platform === 'win32')('does not take a short result for success', async () => {
    // ffmpeg may stop well before the end of its input, and still exit with 0.
    const short = await fakeFfmpeg(await temporaryDir(), 'exec "$FFMPEG" -t 1 "$@"')
    const service = await fakeService()
    service.files.set('clip.mp4', clips.clip)
    const local = await startLocal({ env: short })
    await local.post('/run', { input: service.input('transcode', {}) })
    const sentence =
      /^The result's picture is 1\.\d\d s long instead of 2\.\d\d s; the input seems to be damaged\.$/
    await eventually(() =>
      expect(reportedFailure(service)).toMatchObject({
        code: 'invalid_media',
        error: expect.stringMatching(sentence),
      }),
    )
    expect(service.stored.size).toBe(0)
  })
})
