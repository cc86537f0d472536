import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { coreLimit, measure } from '../../client/build.ts'
import { FakeServer } from '../support/node/client/fake-server.ts'

/** Watches a job to its end in a separate process, and prints what it received. */
const script = `
  const { createExports } = await import(process.argv[1])
  const { jobs } = createExports({ baseUrl: process.argv[2] })
  const types = []
  for await (const update of jobs.watch('job-1')) types.push(update.type)
  console.log(types.join(' '))
`

async function watchWith(module: string): Promise<string> {
  const server = await FakeServer.start()
  const { id } = server.add()
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, module, server.url])
  await server.until(() => server.watchers(id) === 1)
  server.change(id, { status: 'complete' })
  const { stdout } = await run
  await server.stop()
  return stdout.trim()
}

test('the core with its socket stays within its size, with uploads apart', async () => {
  const sizes = await measure()
  expect(sizes.core?.gzip).toBeLessThanOrEqual(coreLimit)
  expect(sizes.core?.gzip).toBeGreaterThan(coreLimit / 2)
  expect(sizes.upload?.gzip).toBeGreaterThan(0)
})

test('the bundle works, and its process ends by itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'))
  await measure(folder)
  expect(await watchWith(pathToFileURL(join(folder, 'index.js')).href)).toBe('snapshot event')
  await rm(folder, { recursive: true })
})

test('so does the source itself, unbundled', async () => {
  expect(await watchWith(new URL('../../client/index.ts', import.meta.url).href)).toBe('snapshot event')
})
