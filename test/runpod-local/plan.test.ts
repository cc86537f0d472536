import { describe, expect, it } from 'vitest'
import type { JobFailure } from '../../runpod-local/worker/failure.ts'
import type { Probe } from '../../runpod-local/worker/media.ts'
import { planJob } from '../../runpod-local/worker/plan.ts'
import { typesetterWith } from '../support/node/runpod-local/typesetter.ts'

const hd: Probe = {
  demuxer: 'mov',
  duration: 10,
  lead: 0,
  width: 1920,
  height: 1080,
  picture: {
    index: 0,
    codec: 'h264',
    turn: 'none',
    transfer: 'bt709',
    matrix: 'bt709',
    primaries: 'bt709',
    range: 'tv',
    alpha: false,
    interlaced: false,
    constant: true,
    times: Array.from({ length: 250 }, (_, i) => i / 25),
    end: 10,
  },
  sound: { index: 1, codec: 'aac', channels: 2, start: 0, end: 10 },
  notes: [],
}
const dialect = { fpsMode: false }

const argsOf = (type: string, params: unknown, probe: Probe = hd) =>
  planJob(type, params, probe, typesetterWith()).args([], dialect)
/** Without its last chain, which is the same for all. */
const graphOf = (type: string, params: unknown, probe: Probe = hd) => {
  const args = argsOf(type, params, probe)
  return args[args.indexOf('-filter_complex') + 1]?.replace(/;\[0:0\]nullsink$/, '')
}
/** The value after a flag. */
const flagOf = (args: string[], flag: string) =>
  args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined

function refusal(type: string, params: unknown): Pick<JobFailure, 'code' | 'message' | 'shouldRetry'> {
  try {
    planJob(type, params, hd, typesetterWith())
  } catch (error) {
    const { code, message, shouldRetry } = error as JobFailure
    return { code, message, shouldRetry }
  }
  throw new Error('it was planned')
}

const exact = 'flags=bicubic+accurate_rnd+full_chroma_int'
const tags = 'setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709'
const to709 = (size: string) =>
  `[0:0]sidedata=delete,scale=${size}:${exact}:in_color_matrix=bt709:in_range=tv:out_color_matrix=bt709:out_range=tv`
const frame = `${to709('1920:1080')},format=yuv420p,${tags},setsar=1`
const end = 'setsar=1[out]'
const rgbFrame = `${to709('1920:1080')},format=rgb24,setsar=1`
const rgbEnd = `scale=1920:1080:${exact}:out_color_matrix=bt709:out_range=tv,format=yuv420p,${tags},${end}`

describe('every type', () => {
  it('goes over damage, opens only files, applies no orientation, and reads its progress from a pipe', () => {
    const args = argsOf('transcode', {})
    expect(args).toContain('-nostdin')
    expect(args).not.toContain('-xerror')
    expect(flagOf(args, '-progress')).toBe('pipe:1')
    expect(args.join(' ')).toContain('-noautorotate -protocol_whitelist file -f mov -i input')
    expect(args.at(-1)).toBe('output.mp4')
  })

  it.each([
    [{}, `${frame},${end}`],
    [{ width: 1280 }, `${frame},scale=1280:720:${exact},${end}`],
    [{ height: 480 }, `${frame},scale=854:480:${exact},${end}`],
    [{ width: 640, height: 360, fps: 29.97 }, `${frame},scale=640:360:${exact},fps=29.97,${end}`],
    [
      { width: 1000, height: 1000 },
      `${frame},scale=1000:562:${exact},pad=1000:1000:(ow-iw)/2:(oh-ih)/2,${end}`,
    ],
  ])('output %j', (output, graph) => {
    expect(graphOf('transcode', { output })).toBe(graph)
  })

  it('makes odd sides even', () => {
    expect(graphOf('transcode', {}, { ...hd, width: 641, height: 361 })).toBe(
      `${to709('642:362')},format=yuv420p,${tags},setsar=1,${end}`,
    )
  })

  it.each([
    [{}, 'libx264', '23', 'aac', 'output.mp4'],
    [{ quality: 'low' }, 'libx264', '28', 'aac', 'output.mp4'],
    [{ quality: 'high', container: 'mov' }, 'libx264', '18', 'aac', 'output.mov'],
    [{ container: 'webm' }, 'libvpx-vp9', '33', 'libopus', 'output.webm'],
  ])('encodes %j with %s', (output, video, crf, audio, name) => {
    const args = argsOf('transcode', { output })
    expect([flagOf(args, '-c:v'), flagOf(args, '-crf'), flagOf(args, '-c:a'), args.at(-1)]).toEqual([
      video,
      crf,
      audio,
      name,
    ])
  })

  it('maps no sound where there is none', () => {
    const args = argsOf('transcode', {}, { ...hd, sound: null })
    expect(args).not.toContain('0:1')
    expect(args).not.toContain('-c:a')
  })

  it.each([
    [{ container: 'avi' }, 'output.container'],
    [{ width: 641 }, 'even'],
    [{ width: 100_000 }, 'output.width'],
    [{ fps: 0 }, 'output.fps'],
    [{ quality: 'best' }, 'output.quality'],
  ])('refuses output %j and names the field', (output, word) => {
    expect(refusal('trim', { output })).toMatchObject({
      code: 'invalid_params',
      shouldRetry: false,
      message: expect.stringContaining(word),
    })
  })

  it('refuses a type it does not know, and says which it knows', () => {
    expect(refusal('sharpen', {})).toMatchObject({
      code: 'invalid_params',
      message: 'This worker does not know the type "sharpen"; it knows overlay, trim, crop, transcode.',
    })
  })
})

describe('trim', () => {
  it.each([
    [{}, undefined, undefined, 10],
    [{ start_seconds: 2 }, '2', '8', 8],
    [{ end_seconds: 4 }, undefined, '4', 4],
    [{ start_seconds: 1.5, end_seconds: 4 }, '1.5', '2.5', 2.5],
    [{ start_seconds: 9, end_seconds: 10.4 }, '9', '1', 1],
  ])('%j', (params, seek, length, duration) => {
    const args = argsOf('trim', params)
    expect([flagOf(args, '-ss'), flagOf(args, '-t')]).toEqual([seek, length])
    expect(planJob('trim', params, hd, typesetterWith()).duration).toBe(duration)
  })

  it.each([
    [{ start_seconds: 10 }, 'invalid_media', 'The trim starts at 10 s, but the video is 10.00 s long.'],
    [{ end_seconds: 11 }, 'invalid_media', 'The trim ends at 11 s, but the video is 10.00 s long.'],
    [{ start_seconds: 5, end_seconds: 5 }, 'invalid_params', 'must end after it starts'],
    [{ start_seconds: -1 }, 'invalid_params', 'start_seconds'],
  ])('refuses %j', (params, code, message) => {
    expect(refusal('trim', params)).toMatchObject({ code, message: expect.stringContaining(message) })
  })
})

describe('crop', () => {
  it.each([
    [{ x: 0.25, y: 0.5, width: 0.5, height: 0.5 }, 'crop=960:540:480:540'],
    [{ x: 0, y: 0, width: 1, height: 1 }, 'crop=1920:1080:0:0'],
    [{ x: 0.333, y: 0, width: 0.667, height: 1 }, 'crop=1280:1080:638:0'],
    [{ x: 0.5, y: 0.5, width: 0.0001, height: 0.0001 }, 'crop=2:2:960:540'],
    [{ aspect_ratio: '9:16' }, 'crop=606:1080:656:0'],
    [{ aspect_ratio: '9:16', focus_x: 0 }, 'crop=606:1080:0:0'],
    [{ aspect_ratio: '9:16', focus_x: 1 }, 'crop=606:1080:1314:0'],
    [{ aspect_ratio: '1:1', focus_x: 0.4 }, 'crop=1080:1080:228:0'],
    [{ aspect_ratio: '2.39:1', focus_y: 1 }, 'crop=1920:802:0:278'],
    [{ aspect_ratio: '16:9' }, 'crop=1920:1080:0:0'],
  ])('%j', (params, filter) => {
    expect(graphOf('crop', params)).toBe(`${frame},${filter},${end}`)
  })

  it('scales what is left, not what was there', () => {
    const params = { aspect_ratio: '1:1', output: { width: 540 } }
    expect(graphOf('crop', params)).toBe(`${frame},crop=1080:1080:420:0,scale=540:540:${exact},${end}`)
  })

  it.each([
    [{}, 'needs x, y, width and height'],
    [{ x: 0, y: 0, width: 0.5 }, 'needs x, y, width and height'],
    [{ x: 0.6, y: 0, width: 0.5, height: 1 }, 'outside'],
    [{ x: 0, y: 0, width: 0, height: 1 }, 'empty'],
    [{ aspect_ratio: '0:1' }, 'zero'],
    [{ aspect_ratio: '1:0' }, 'zero'],
    [{ aspect_ratio: 'wide' }, 'aspect_ratio'],
    [{ aspect_ratio: '1:1', focus_x: 2 }, 'focus_x'],
  ])('refuses %j', (params, message) => {
    expect(refusal('crop', params)).toMatchObject({
      code: 'invalid_params',
      message: expect.stringContaining(message),
    })
  })
})

describe('overlay', () => {
  it('draws text from a file, by the defaults', () => {
    const params = { items: [{ type: 'text', text: 'Hi' }] }
    const { texts, fontSets } = planJob('overlay', params, hd, typesetterWith())
    expect(texts.map(({ name }) => name)).toEqual(['text-0.ass'])
    expect(texts[0]?.text).toContain('{\\pos(96,54)}{\\fnDejaVu Sans\\fs75.664}Hi\n')
    expect(fontSets).toEqual([[0]])
    const drawn =
      'color=c=0xffffff@0:s=1920x195:r=1:d=1,format=rgba,ass=f=text-0.ass:fontsdir=fonts-0:alpha=1'
    const over = "overlay=x=0:y=0:format=rgb:eof_action=repeat:enable='gte(t,0)'"
    expect(graphOf('overlay', params)).toBe(
      `${rgbFrame}[below0];${drawn}[over0];[below0][over0]${over},${rgbEnd}`,
    )
  })

  it('draws a background whose corner is at x, y', () => {
    const item = { type: 'text', text: 'Hi', x: 0.5, y: 0.5, size: 0.1, background: '#123abc', opacity: 0.4 }
    const { texts } = planJob('overlay', { items: [item] }, hd, typesetterWith())
    expect(texts[0]?.text).toContain('{\\pos(987,0)\\xshad27\\yshad360}')
    expect(texts[1]?.text).toContain('{\\pos(987,135)}')
    expect(graphOf('overlay', { items: [item] })).toContain(
      'color=c=0x123abc@0:s=1920x180:r=1:d=1,format=rgba,ass=f=box-0.ass:fontsdir=fonts-0:alpha=1,' +
        'pad=1920:396:0:108:color=0xffffff@0,ass=f=text-0.ass:fontsdir=fonts-0:alpha=1,' +
        'colorchannelmixer=aa=0.4[over0];[below0][over0]overlay=x=0:y=432:',
    )
  })

  it('shows an item from its start up to its end', () => {
    const item = { type: 'text', text: 'Hi', start_seconds: 1, end_seconds: 2.5 }
    expect(graphOf('overlay', { items: [item] })).toContain("enable='gte(t,1)*lt(t,2.5)'")
  })

  it('stacks text and images in the order of the items', () => {
    const items = [
      { type: 'text', text: 'below' },
      { type: 'image', image_key: 'a', opacity: 0.5 },
      { type: 'text', text: 'between' },
      { type: 'image', image_key: 'a', x: 0.5, y: 0.5, width: 0.1 },
    ]
    const plan = planJob('overlay', { items }, hd, typesetterWith())
    expect(plan.imageKeys).toEqual(['a', 'a'])
    const images = ['png_pipe', 'jpeg_pipe'].map((demuxer) => ({ demuxer, turn: 'none' as const }))
    const args = plan.args(images, dialect)
    const chains = (flagOf(args, '-filter_complex') ?? '').split(';')
    expect(chains).toEqual([
      expect.stringMatching(/^\[0:0\]sidedata=delete,scale=.*\[below0\]$/),
      expect.stringMatching(/ass=f=text-0\.ass.*\[over0\]$/),
      expect.stringMatching(/^\[below0\]\[over0\]overlay=x=0:y=0:.*\[below1\]$/),
      `movie@image-0=filename=image-0:format_name=png_pipe,scale=480:'max(2,2*round(480*ih/iw/2))':${exact}:in_color_matrix=bt601,format=rgba,colorchannelmixer=aa=0.5[over1]`,
      expect.stringMatching(
        /^\[below1\]\[over1\]overlay=x=96:y=54:format=rgb:eof_action=repeat:.*\[below2\]$/,
      ),
      expect.stringMatching(/ass=f=text-2\.ass.*\[over2\]$/),
      expect.stringMatching(/^\[below2\]\[over2\]overlay=x=0:y=0:.*\[below3\]$/),
      `movie@image-1=filename=image-1:format_name=jpeg_pipe,scale=192:'max(2,2*round(192*ih/iw/2))':${exact}:in_color_matrix=bt601,format=rgba[over3]`,
      expect.stringMatching(/^\[below3\]\[over3\]overlay=x=960:y=540:.*\[out\]$/),
      '[0:0]nullsink',
    ])
  })

  it('keeps every word of a user out of the filters', () => {
    const nasty = "'];[x]movie=a:b\\,%{pts}"
    const items = [
      { type: 'text', text: nasty },
      { type: 'image', image_key: nasty },
    ]
    expect(argsOf('overlay', { items }).join(' ')).not.toContain('movie=a')
  })

  it.each([
    [{ type: 'text', text: 'a', color: '#12345' }, 'items.0.color'],
    [{ type: 'text', text: 'a', color: 'red@1:x=0' }, 'items.0.color'],
    [{ type: 'text', text: 'a', size: 0 }, 'items.0.size'],
    [{ type: 'text', text: 'a', x: 2 }, 'items.0.x'],
    [{ type: 'text', text: 'a', opacity: 2 }, 'items.0.opacity'],
    [{ type: 'text', text: 'a', start_seconds: 3, end_seconds: 2 }, 'must end after it starts'],
    [{ type: 'text' }, 'items.0.text'],
    [{ type: 'image' }, 'items.0.image_key'],
    [{ type: 'sound' }, 'items.0.type'],
  ])('refuses the item %j', (item, message) => {
    expect(refusal('overlay', { items: [item] })).toMatchObject({
      code: 'invalid_params',
      message: expect.stringContaining(message),
    })
  })
})
