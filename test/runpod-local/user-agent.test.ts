import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import project from '../../package.json' with { type: 'json' }
import { systemClock } from '../../runpod-local/clock.ts'
import { download } from '../../runpod-local/worker/transfer.ts'
import { temporaryDir } from '../support/node/runpod-local/local.ts'
import { ended, setUp } from '../support/node/runpod-local/noop.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

const AGENT = `exportal-gpu-worker/${project.version}`

it('names the worker and its version wherever it asks, reports or stores', async () => {
  const { service, local, run } = await setUp({ webhook: { drop: true } })
  await run()
  await ended(local, 'COMPLETED')
  expect(service.reports.map(({ kind }) => kind)).toContain('complete')
  expect(service.stored.size).toBe(1)
  expect([...service.agents]).toEqual([AGENT])
})

it('names it in downloads', async () => {
  const service = await fakeService()
  service.files.set('clip.mp4', Buffer.from('a clip'))
  const path = join(await temporaryDir(), 'clip')
  const options = { clock: systemClock, signal: new AbortController().signal, backoffMs: [] }
  await download(`${service.url}/files/clip.mp4`, path, 'The input', options)
  expect(await readFile(path, 'utf8')).toBe('a clip')
  expect([...service.agents]).toEqual([AGENT])
})
