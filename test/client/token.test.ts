/** Tokens from a file or a function, and the effect on a watch when its token expires. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createExports,
  ExportalConnectionError,
  ExportalError,
  type Timings,
  type TokenSource,
  type Update,
} from '../../client/index.ts'
import { FakeServer, problem } from '../support/node/client/fake-server.ts'
import { quick } from '../support/node/client/samples.ts'

let server: FakeServer

beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(() => server.stop())

const client = (token: TokenSource, timings: Partial<Timings> = {}) =>
  createExports({ baseUrl: server.url, token, timings: { ...quick, ...timings } })

const tokensOfDials = () => {
  expect(server.dials.filter((url) => url.searchParams.has('token'))).toEqual([])
  return server.tokensOfDials
}

/** Returns these in turn, and the last one repeatedly. */
const series = (...tokens: string[]) => {
  let given = 0
  return () => tokens[Math.min(given++, tokens.length - 1)] ?? ''
}

describe('a token as it comes', () => {
  test.each([
    ['a text that ends in a newline', 'secret\n'],
    ['a text between spaces and a byte order mark', '\uFEFF  secret \r\n'],
    ['what a function gives', () => 'secret\n'],
    ['what a function promises', async () => ' secret\t'],
  ])('%s: requests and sockets are sent it without its white space', async (_, token) => {
    const { id } = server.add()
    await client(token).jobs.get(id)
    expect(server.requests[0]?.headers.authorization).toBe('Bearer secret')
    for await (const _ of client(token).jobs.watch(id)) break
    expect(tokensOfDials()).toEqual(['secret'])
  })

  test.each([['\n'], [''], [() => '  ']])('one that is empty is none', async (token) => {
    const { id } = server.add()
    await client(token).jobs.get(id)
    expect(server.requests[0]?.headers.authorization).toBeUndefined()
  })

  test.each([
    ['a line break in it', 'sec\nret'],
    ['a space in it', 'Bearer secret'],
    ['another control character in it', () => 'sec\u0000ret'],
    ['a letter that no header takes', async () => 'sécret'],
  ])('one with %s is an error that says so, before anything is sent', async (_, token) => {
    const { id } = server.add()
    const refused = { name: 'TypeError', message: expect.stringContaining('visible ASCII characters') }
    await expect(client(token).jobs.get(id)).rejects.toMatchObject(refused)
    await expect(client(token).jobs.watch(id).done).rejects.toMatchObject(refused)
    expect([server.requests.length, server.dials.length]).toEqual([0, 0])
  })
})

describe('an address as it comes', () => {
  test.each([
    ['spaces and a newline', (url: string) => ` ${url}\n`],
    ['slashes', (url: string) => `${url}//`],
    ['a query', (url: string) => `${url}/?from=mail#top`],
  ])('is used without %s around it', async (_, around) => {
    const { id } = server.add()
    const exportal = createExports({ baseUrl: around(server.url), timings: quick })
    expect((await exportal.jobs.get(id)).id).toBe(id)
    expect(exportal.absolute('/x')).toBe(`${server.url}/x`)
  })

  test.each(['', 'localhost:8787', 'ftp://exports.test', 'exports'])(
    '"%s" is an error that says so',
    (baseUrl) => {
      expect(() => createExports({ baseUrl })).toThrow(
        `baseUrl must be a URL that begins with http:// or https://, and is "${baseUrl || '/'}"`,
      )
    },
  )
})

describe('a token function that fails', () => {
  test('while offline ends no watch, over sockets as over polls', async () => {
    const { id } = server.add()
    let asked = 0
    const token = async () => {
      asked++
      // Three dials, then polls, and any value that an application may throw.
      if (asked < 12) throw asked % 2 ? new TypeError('Failed to fetch') : undefined
      return 'secret'
    }
    const watch = client(token).jobs.watch(id)
    await server.until(() => server.watchers(id) === 1)
    server.change(id, { status: 'complete' })
    expect((await watch.done).status).toBe('complete')
    expect(new Set(tokensOfDials())).toEqual(new Set(['secret']))
  })

  test('or throws at once is tried again like a request without an answer', async () => {
    const { id } = server.add()
    let asked = 0
    const token = () => {
      if (++asked < 3) throw new Error('No session yet')
      return 'secret'
    }
    expect((await client(token).jobs.get(id)).id).toBe(id)
    expect(server.requests).toHaveLength(1)
    const cause = new Error('Never')
    const failing = client(() => Promise.reject(cause)).jobs.get(id)
    await expect(failing).rejects.toBeInstanceOf(ExportalConnectionError)
    await expect(failing).rejects.toMatchObject({ cause })
  })

  test('or never answers is given up in time, for a request and for a dial', async () => {
    const { id } = server.add()
    const timings = { requestTimeoutMs: 5 }
    await expect(client(() => new Promise(() => {}), timings).jobs.get(id)).rejects.toMatchObject({
      name: 'ExportalConnectionError',
      cause: { message: 'Timed out' },
    })
    let asked = 0
    const once = () => (++asked === 1 ? new Promise<string>(() => {}) : 'secret')
    const watch = client(once, timings).jobs.watch(id)
    await server.until(() => server.watchers(id) === 1)
    server.change(id, { status: 'complete' })
    expect((await watch.done).status).toBe('complete')
  })

  test('ends the watch where what it throws is itself a refusal of the service', async () => {
    const { id } = server.add()
    const refusal = new ExportalError({ status: 403, code: 'forbidden', detail: 'This session is over.' })
    const watch = client(() => Promise.reject(refusal)).jobs.watch(id)
    await expect(watch.done).rejects.toBe(refusal)
  })

  test('and hangs ends at once with the signal of its caller', async () => {
    const { id } = server.add()
    const controller = new AbortController()
    const asked = Promise.withResolvers<void>()
    const token = () => {
      asked.resolve()
      return new Promise<string>(() => {})
    }
    const { done } = client(token).jobs.watch(id, { signal: controller.signal })
    await asked.promise
    controller.abort(new Error('enough'))
    await expect(done).rejects.toThrow('enough')
  })
})

describe('a token that runs out while a job is watched', () => {
  test('is followed by a fresh one, and no line is lost', async () => {
    const { id } = server.add()
    const seqs: number[] = []
    const watch = client(series('t1', 't2', 't3')).jobs.watch(id, { onEvent: ({ seq }) => seqs.push(seq) })
    for (const dials of [1, 2]) {
      await server.until(() => server.watchers(id) === 1 && server.dials.length === dials)
      server.change(id, {})
      server.hangUp(id, 4401)
      server.change(id, {})
    }
    await server.until(() => server.watchers(id) === 1)
    server.change(id, { status: 'complete' })
    await watch.done
    expect(seqs).toEqual([2, 3, 4, 5, 6])
    expect(tokensOfDials()).toEqual(['t1', 't2', 't3'])
    expect(server.dials[1]?.searchParams.get('after')).not.toBeNull()
  })

  test('ends the watch when the fresh one is refused at once', async () => {
    const { id } = server.add()
    let given = 0
    const watch = client(() => `t${++given}`).jobs.watch(id)
    await server.until(() => server.watchers(id) === 1)
    server.closeWith = 4401
    server.hangUp(id, 4401)
    await expect(watch.done).rejects.toMatchObject({
      name: 'ExportalError',
      status: 401,
      code: 'unauthorized',
      detail: 'as told',
    })
    expect(tokensOfDials()).toEqual(['t1', 't2'])
  })

  test('ends it without another dial when the function has no other', async () => {
    const { id } = server.add()
    const watch = client(() => 'same').jobs.watch(id)
    await server.until(() => server.watchers(id) === 1)
    server.hangUp(id, 4401)
    await expect(watch.done).rejects.toMatchObject({ status: 401, code: 'unauthorized' })
    expect(server.dials).toHaveLength(1)
  })

  test('ends it at once where it is a text', async () => {
    const { id } = server.add()
    const updates: Update[] = []
    const watch = client('text').jobs.watch(id)
    const reading = (async () => {
      for await (const update of watch) updates.push(update)
    })()
    await server.until(() => server.watchers(id) === 1)
    server.hangUp(id, 4401)
    await expect(reading).rejects.toMatchObject({ status: 401, code: 'unauthorized' })
    expect(updates).toHaveLength(1)
    expect([server.dials.length, server.requests.length]).toEqual([1, 0])
  })

  test('while a poll is held is followed by a fresh one, and by the end of the watch when that is refused', async () => {
    const { id } = server.add()
    server.refusals = Number.POSITIVE_INFINITY
    let refuse = 0
    server.intercept = ({ query }, response) => {
      if (!query.has('wait') && refuse < 2) return false
      if (refuse++ === 1) return false
      problem(response, 401, 'unauthorized')
      return true
    }
    let given = 0
    const watch = client(() => `t${++given}`, { socketRetryMs: 60_000 }).jobs.watch(id)
    await expect(watch.done).rejects.toMatchObject({ status: 401 })
    expect(refuse).toBe(4)
  })
})
