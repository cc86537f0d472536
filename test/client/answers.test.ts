/** What stands between client and service may answer 200 in its place: a portal, a proxy, a mock, a redirect. */
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CreateJob, createExports, ExportalConnectionError } from '../../client/index.ts'
import { FakeServer, json } from '../support/node/client/fake-server.ts'
import { aJob, quick } from '../support/node/client/samples.ts'

let server: FakeServer
beforeEach(async () => {
  server = await FakeServer.start()
})
afterEach(() => server.stop())

const client = () => createExports({ baseUrl: server.url, timings: quick })
const given: CreateJob = { project_id: 1, type: 'overlay', input_video_key: 'input/1/clip.mp4' }

const foreign: Record<string, (response: ServerResponse) => void> = {
  'nothing at all': (response) => response.end(),
  'an empty 204': (response) => response.writeHead(204).end(),
  'a 304 that nobody asked for': (response) => response.writeHead(304).end(),
  null: (response) => json(response, 200, null),
  'a text': (response) => json(response, 200, 'ok'),
  'a list': (response) => json(response, 200, []),
  'another object': (response) => json(response, 200, { error: 'please sign in' }),
}

describe.each(Object.entries(foreign))('%s', (_, answer) => {
  const calls: Record<string, () => Promise<unknown>> = {
    create: () => client().jobs.create(given),
    get: () => client().jobs.get('a'),
    list: () => client().jobs.list(),
    cancel: () => client().jobs.cancel('a'),
    delete: () => client().jobs.delete('a'),
    events: () => client().jobs.events('a'),
    redeliver: () => client().jobs.redeliver('a', 'msg'),
    createToken: () => client().createToken({ scope: 'jobs:read' }),
    jobTypes: () => client().jobTypes(),
    uploadVideo: () => client().uploadVideo(new Blob(['x'])),
  }

  test.each(Object.entries(calls))('is no answer to %s, which is tried again', async (_, call) => {
    server.intercept = (_, response) => {
      answer(response)
      return true
    }
    await expect(call()).rejects.toThrow(ExportalConnectionError)
    expect(server.requests.length).toBe(4)
  })

  test('does not end a watch that polls', async () => {
    server.add({ id: 'a' })
    server.refusals = Number.POSITIVE_INFINITY
    let foreignLeft = 5
    server.intercept = (_, response) => {
      if (foreignLeft === 0) return false
      foreignLeft--
      answer(response)
      if (foreignLeft === 0) server.change('a', { status: 'complete' })
      return true
    }
    expect((await client().jobs.watch('a').done).status).toBe('complete')
  })
})

test('a creation that was redirected, and so became a reading of the list, is no creation', async () => {
  server.intercept = ({ method }, response) => {
    if (method === 'POST') response.writeHead(301, { location: '/api/jobs' }).end()
    else json(response, 200, { jobs: [aJob()], next_cursor: null })
    return true
  }
  await expect(client().jobs.create(given)).rejects.toThrow(ExportalConnectionError)
})

describe('a 404 of a proxy, whose service is down', () => {
  const proxy = (response: ServerResponse) =>
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>no such host</h1>')

  test('does not say that a repeated delete was carried out', async () => {
    server.intercept = (_, response) => {
      if (server.requests.length === 1) response.writeHead(502).end()
      else proxy(response)
      return true
    }
    await expect(client().jobs.delete('a')).rejects.toMatchObject({ status: 404, code: 'http_404' })
  })

  test('does not say that the log of an ended job is gone', async () => {
    const job = server.add({ id: 'a', status: 'complete' }, 3)
    server.intercept = (_, response) => {
      proxy(response)
      return true
    }
    await expect(client().jobs.watch(job, { after: 0 }).done).rejects.toMatchObject({ code: 'http_404' })
  })
})

test.each([408, 425])('a %i, which asks for a repeat, is repeated, and ends no watch', async (status) => {
  server.add({ id: 'a', status: 'complete' })
  server.refusals = Number.POSITIVE_INFINITY
  const busyOnce = () => {
    let isFirst = true
    server.intercept = (_, response) => {
      if (isFirst) response.writeHead(status).end()
      else return false
      isFirst = false
      return true
    }
  }
  busyOnce()
  expect((await client().jobs.get('a')).id).toBe('a')
  busyOnce()
  expect((await client().jobs.watch('a').done).status).toBe('complete')
})
