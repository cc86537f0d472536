import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buttonsOf, writtenFiles } from '../../scripts/buttons.ts'
import { ROOT } from '../../scripts/wrangler.ts'
import { repositoryOf } from '../../web/repository.ts'

const CLOUDFLARE = (url: string) =>
  `[![Deploy to Cloudflare](https://deploy.workers.cloudflare.com/button)](https://deploy.workers.cloudflare.com/?url=${url})\n`
const RUNPOD =
  '[![Runpod](https://api.runpod.io/badge/acme/exportal)](https://console.runpod.io/hub/acme/exportal)\n'
const BOTH = CLOUDFLARE('https://github.com/acme/exportal') + RUNPOD

describe('The buttons', () => {
  test.each<[unknown, string]>([
    [undefined, ''],
    ['', ''],
    [{ type: 'git' }, ''],
    ['https://git.acme.org/acme/exportal', ''],
    ['https://github.com/acme', ''],
    ['https://evil.org/?https://github.com/acme/exportal', ''],
    ['https://github.com/acme/exportal', BOTH],
    ['github:acme/exportal', BOTH],
    [{ type: 'git', url: 'git+https://github.com/acme/exportal.git' }, BOTH],
    ['https://gitlab.com/acme/exportal.git', CLOUDFLARE('https://gitlab.com/acme/exportal')],
  ])('of %j', (repository, buttons) => {
    expect(buttonsOf(repositoryOf(repository))).toBe(buttons)
  })

  test.each([...writtenFiles(ROOT)])('and what else follows stand in %s: npm run buttons', (path, text) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(text)
  })
})

describe('.runpod', () => {
  const { config, ...hub } = JSON.parse(readFileSync(join(ROOT, '.runpod/hub.json'), 'utf8'))

  test('has what the Hub requires', () => {
    expect(hub).toEqual({
      title: expect.any(String),
      description: expect.any(String),
      type: 'serverless',
      category: 'video',
    })
    expect(config).toMatchObject({ runsOn: 'GPU', gpuCount: 1, containerDiskInGb: expect.any(Number) })
  })

  /** A100, H100, H200 and B200 have no video encoder. (NVIDIA, Video Encode and Decode GPU Support Matrix) */
  test('takes only GPUs that have NVENC', () => {
    expect(
      config.gpuIds.split(',').filter((pool: string) => !/^(AMPERE_(16|24|48)|ADA_24)$/.test(pool)),
    ).toEqual([])
  })

  test('builds from the files of the worker', () => {
    const copied = [...(writtenFiles(ROOT).get('.runpod/Dockerfile') ?? '').matchAll(/^COPY (\S+)/gm)]
    // The fonts are copied from a stage of the image itself.
    expect(copied.map(([, path]) => path).filter((path) => !path?.startsWith('--from='))).toEqual([
      'gpu-worker/requirements.txt',
      'gpu-worker/handler.py',
      'gpu-worker/exportal_worker',
    ])
  })
})
