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
