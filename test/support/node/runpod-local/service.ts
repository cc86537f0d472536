import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { onTestFinished } from 'vitest'
import type { Json } from './local.ts'

export interface Received {
  kind: string
  body: Json
  authorization: string | undefined
  at: number
}

export interface Stored {
  body: Buffer
  headers: IncomingMessage['headers']
}

export interface FakeService {
  url: string
  /** Files served by GET, by path; a number is returned as that status. */
  files: Map<string, Buffer | number>
  /** Files stored by PUT, by path. */
  stored: Map<string, Stored>
  /** Reports of the worker, in order of arrival. */
  reports: Received[]
  /** Webhook envelopes. */
  webhooks: Json[]
  of(kind: string): Received[]
  /** Overrides the answer to a report or a webhook. */
  answer: (kind: string, body: Json) => Reply | undefined
  answerPut: (path: string) => number | undefined
  /** The User-Agents of all requests. */
  agents: Set<string | undefined>
  /** The input of `/run` for one export. */
  input(type: string, params: Json, more?: Json): Json
}

export interface Reply {
  status: number
  body?: Json
  /** Resolves when the answer may be sent. */
  after?: Promise<unknown>
}

/** The parts of Exportal that a worker uses, for one test. */
export async function fakeService(): Promise<FakeService> {
  const service: FakeService = {
    url: '',
    files: new Map(),
    stored: new Map(),
    reports: [],
    webhooks: [],
    agents: new Set(),
    of: (kind) => service.reports.filter((report) => report.kind === kind),
    answer: () => undefined,
    answerPut: () => undefined,
    input: (type, params, more = {}) => ({
      job_id: 'job-1',
      round: 1,
      attempt: 1,
      type,
      params,
      input_video_key: 'input/clip.mp4',
      input_url: `${service.url}/files/clip.mp4?sig=secret-get`,
      assets: {},
      output: {
        video_key: 'output/job-1/1-1.mp4',
        content_type: 'video/mp4',
        put_url: `${service.url}/put/1-1.mp4?sig=secret-put`,
      },
      callback_url: `${service.url}/api/jobs/job-1/do`,
      callback_token: 'secret-token',
      ...more,
    }),
  }
  const server = createServer((request, response) => {
    handle(service, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  service.url = `http://127.0.0.1:${address.port}`
  return service
}

async function handle(
  service: FakeService,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', service.url)
  service.agents.add(request.headers['user-agent'])
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  if (pathname.startsWith('/files/')) {
    const file = service.files.get(pathname.slice('/files/'.length)) ?? 404
    if (typeof file === 'number') response.writeHead(file).end()
    else response.writeHead(200, { 'content-length': file.length }).end(file)
    return
  }
  if (pathname.startsWith('/put/')) {
    const refused = service.answerPut(pathname)
    const status = refused ?? (service.stored.has(pathname) ? 412 : 200)
    if (status === 200) service.stored.set(pathname, { body, headers: request.headers })
    response.writeHead(status).end()
    return
  }
  const kind = pathname.split('/').at(-1) ?? ''
  const json = JSON.parse(body.toString()) as Json
  if (kind === 'hook') service.webhooks.push(json)
  else
    service.reports.push({ kind, body: json, authorization: request.headers.authorization, at: Date.now() })
  const reply = service.answer(kind, json) ?? { status: 200, body: { cancel: false } }
  await reply.after
  const elsewhere = reply.status >= 300 && reply.status < 400 ? { location: '/elsewhere' } : {}
  response.writeHead(reply.status, { 'content-type': 'application/json', ...elsewhere })
  response.end(JSON.stringify(reply.body ?? {}))
}
