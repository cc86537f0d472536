/** Inputs by URL, over the cases that both workers share. */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../runpod-local/clock.ts'
import { internet, type Network } from '../../runpod-local/worker/external/connect.ts'
import { downloadExternal, EXTERNAL, type External } from '../../runpod-local/worker/external/download.ts'
import { isGlobalAddress, isLoopback } from '../../runpod-local/worker/external/global-address.ts'
import { JobFailure } from '../../runpod-local/worker/failure.ts'
import type { TransferOptions } from '../../runpod-local/worker/transfer.ts'
import { ffmpeg } from '../support/node/media.ts'
import { reportedFailure } from '../support/node/runpod-local/exports.ts'
import { type Case, cases, internetOf } from '../support/node/runpod-local/external-server.ts'
import { startLocal, temporaryDir } from '../support/node/runpod-local/local.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

const addresses = JSON.parse(readFileSync('test/vectors/addresses.json', 'utf8')) as {
  global: string[]
  refused: Record<string, string[]>
}

it('tells public addresses from all others', () => {
  expect(addresses.global.filter((each) => !isGlobalAddress(each))).toEqual([])
  expect(Object.values(addresses.refused).flat().filter(isGlobalAddress)).toEqual([])
})

const limitsOf = ({ limits = {} }: Case): External['limits'] => ({
  mostBytes: limits.most_bytes ?? 1e9,
  connectMs: (limits.connect_seconds ?? 10) * 1_000,
  answerMs: (limits.answer_seconds ?? 10) * 1_000,
  stallMs: (limits.stall_seconds ?? 10) * 1_000,
  wholeMs: (limits.whole_seconds ?? 60) * 1_000,
})

/** The stored bytes, or the failure as it is reported. */
async function fetched(url: string, external: External, more: Partial<TransferOptions> = {}) {
  const path = join(await temporaryDir(), 'input')
  try {
    const { signal } = new AbortController()
    await downloadExternal(url, path, {
      clock: systemClock,
      signal,
      backoffMs: [5, 5],
      ...external,
      ...more,
    })
    return { body: String(await readFile(path)) }
  } catch (error) {
    if (!(error instanceof JobFailure)) throw error
    return { failure: { code: error.code, should_retry: error.shouldRetry, error: error.message } }
  }
}

it.each(cases.map((each) => [each.name, each] as const))('%s', async (_name, given) => {
  const { network, seen } = await internetOf(given)
  const outcome = await fetched(given.url, { network, limits: limitsOf(given), allowLoopback: false })
  expect({ ...outcome, dialed: seen.dialed }).toEqual({
    ...(given.failure ? { failure: given.failure } : { body: given.body ?? 'video' }),
    dialed: given.dialed,
  })
  expect(seen.asked).toEqual(given.asked ?? seen.asked)
  expect(seen.resolved).toEqual(given.resolved ?? seen.resolved)
  for (const headers of seen.headers) {
    expect(Object.keys(headers).sort()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ])
  }
})

/** An HTTP server on this computer, with the answers by path. */
async function plainServer(answers: Record<string, [status: number, location?: string]>): Promise<string> {
  const server = createServer((request, response) => {
    const [status, location] = answers[request.url ?? ''] ?? [404]
    response.writeHead(status, location === undefined ? {} : { location }).end('video')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The real network access, restricted to this computer. */
const onlyHere: Network = {
  resolve: (name) => (name === 'localhost' ? internet.resolve(name) : Promise.reject(new Error(name))),
  dial: (address, port) =>
    internet.dial(isLoopback(address) ? address : '127.0.0.1', isLoopback(address) ? port : 1),
}

it('takes http from this computer where that is allowed, and nowhere else', async () => {
  const allowed = { ...EXTERNAL, network: onlyHere, allowLoopback: true }
  const url = await plainServer({
    '/clip': [200],
    '/moved': [302, '/clip'],
    '/out': [302, 'http://10.0.0.1/secret'],
  })
  const byName = url.replace('127.0.0.1', 'localhost')
  expect(await fetched(`${byName}/clip`, allowed)).toEqual({ body: 'video' })
  expect(await fetched(`${url}/moved`, allowed)).toEqual({ body: 'video' })
  const elsewhere = [`${url}/out`, 'http://10.0.0.1/', 'http://93.184.216.34/']
  for (const address of elsewhere) {
    expect((await fetched(address, allowed)).failure?.error).toContain('private or reserved network')
  }
  expect((await fetched(`${url}/clip`, { ...allowed, allowLoopback: false })).failure?.error).toContain(
    'only https is allowed',
  )
})

it('does not come back to this computer from elsewhere, even where it is allowed', async () => {
  const given: Case = {
    name: '',
    url: 'https://video.test/clip.mp4',
    dns: { 'video.test': [['93.184.216.34']] },
    answers: [{ status: 302, headers: { location: 'https://127.0.0.1/clip' } }],
    dialed: ['93.184.216.34:443'],
  }
  const { network, seen } = await internetOf(given)
  const { failure } = await fetched(given.url, { network, limits: limitsOf(given), allowLoopback: true })
  expect(failure?.error).toContain('private or reserved network')
  expect(seen.dialed).toEqual(given.dialed)
})

it('stops in the middle of a body', async () => {
  const given: Case = {
    name: '',
    url: 'https://video.test/clip.mp4',
    dns: { 'video.test': [['93.184.216.34']] },
    answers: [{ body: 'vid', length: 5, hang: 'body' }],
    dialed: [],
  }
  const { network } = await internetOf(given)
  const stop = new AbortController()
  const external = { network, limits: limitsOf(given), allowLoopback: false }
  const onFraction = () => stop.abort(new Error('enough'))
  const stopped = fetched(given.url, external, { signal: stop.signal, onFraction })
  await expect(stopped).rejects.toThrow('enough')
})

describe.skipIf(ffmpeg === null)('A job with an input elsewhere', () => {
  const URL = 'https://video.test/clip.mp4?sig=secret-elsewhere'
  const given: Case = {
    name: '',
    url: URL,
    dns: { 'video.test': [['93.184.216.34']] },
    answers: [{ body: 'no video' }],
    dialed: [],
  }

  it.each([
    ['as large as the service takes', 'invalid_media', 8],
    ['larger than the service takes', 'input_not_found', 7],
  ])('%s', async (_name, code, most) => {
    const { network, seen } = await internetOf(given)
    const service = await fakeService()
    const external = { ...EXTERNAL, network }
    const local = await startLocal({ external })
    const more = { input_url: URL, input_is_external: true, input_max_bytes: most }
    const { body } = await local.post('/run', { input: service.input('transcode', {}, more) })
    await local.reaches(String(body.id), 'FAILED')
    expect(reportedFailure(service)).toMatchObject({ code, should_retry: false })
    expect(seen.dialed).toEqual(['93.184.216.34:443'])
    expect(local.lines.join('\n')).not.toContain('secret-elsewhere')
  })
})
