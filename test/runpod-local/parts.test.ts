import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLog, redact } from '../../runpod-local/log.ts'
import { progressParser } from '../../runpod-local/worker/ffmpeg.ts'
import { findFfmpeg } from '../../runpod-local/worker/find-ffmpeg.ts'
import { ffmpeg } from '../support/node/media.ts'

describe('ffmpeg’s progress', () => {
  const read = (...pieces: string[]) => {
    const seconds: number[] = []
    const parse = progressParser((value) => seconds.push(value))
    for (const piece of pieces) parse(piece)
    return seconds
  }

  it.each([
    [
      'whole blocks',
      ['frame=1\nout_time_us=500000\nprogress=continue\nout_time_us=1500000\nprogress=end\n'],
      [0.5, 1.5],
    ],
    ['pieces of lines', ['out_ti', 'me_us=25', '0000\nfra', 'me=2\n'], [0.25]],
    ['a line that is not ended yet', ['out_time_us=1000000'], []],
    ['what is no number yet', ['out_time_us=N/A\nout_time_us=-77\nout_time_ms=5\n'], []],
    ['Windows line ends', ['out_time_us=1000000\r\n'], [1]],
  ])('is read from %s', (_name, pieces, expected) => {
    expect(read(...pieces)).toEqual(expected)
  })
})

describe('the log', () => {
  it.each([
    ['https://host:1/path/token?sig=abc', 'https://host:1/…'],
    [
      'could not reach http://127.0.0.1:8787/api/x?sig=a, sorry',
      'could not reach http://127.0.0.1:8787/… sorry',
    ],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer …'],
    ['nothing to hide', 'nothing to hide'],
  ])('hides the secret in %j', (text, expected) => {
    expect(redact(text)).toBe(expected)
  })

  it('writes one line for one thing', () => {
    const lines: string[] = []
    const log = createLog(
      (line) => lines.push(line),
      () => 0,
    )
    log('job.taken', { id: 'a-u1', n: 1, none: null, left_out: undefined, text: 'two\nlines "x"' })
    log('url', { at: 'http://host/path?sig=secret' })
    expect(lines).toEqual([
      '1970-01-01T00:00:00.000Z job.taken id=a-u1 n=1 none=null text="two\\nlines \\"x\\""',
      '1970-01-01T00:00:00.000Z url at=http://host/…',
    ])
  })
})

describe('finding ffmpeg', () => {
  it('refuses an FFMPEG_PATH that does not run, instead of taking another', async () => {
    await expect(findFfmpeg({ FFMPEG_PATH: '/nowhere/ffmpeg' })).rejects.toThrow('FFMPEG_PATH is set')
  })

  it.skipIf(ffmpeg === null)('makes a relative FFMPEG_PATH hold in the directory of a job too', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'relative-'))
    onTestFinished(() => rm(dir, { recursive: true }))
    const path = join(dir, 'own-ffmpeg')
    await writeFile(path, `#!/bin/sh\nexec ${ffmpeg?.path} "$@"\n`, { mode: 0o755 })
    expect((await findFfmpeg({ FFMPEG_PATH: relative(process.cwd(), path) }))?.path).toBe(path)
  })

  it.skipIf(ffmpeg === null)('takes the one of FFMPEG_PATH first, and knows what it can', async () => {
    const found = await findFfmpeg({ FFMPEG_PATH: ffmpeg?.path })
    expect(found).toMatchObject({ source: 'FFMPEG_PATH', missing: [], version: expect.stringMatching(/./) })
  })
})
