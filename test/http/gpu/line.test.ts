import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { callbackToken } from '../../../actors/shared/signing.ts'
import { newId } from '../../../src/jobs/ids.ts'
import type { JobJson } from '../../../wire/job.ts'
import { eventually } from '../../support/eventually.ts'
import { HOUR, pass } from '../../support/workerd/clock.ts'
import {
  api,
  bodyOf,
  createJob,
  dispatchedJob,
  pathOf,
  post,
  problemOf,
  ring,
  SECRET,
  tablesOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { TestLine } from '../../support/workerd/line.ts'

const world = useHttpWorld()

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

async function dial(path: string, headers: Record<string, string>) {
  const response = await api(path, { headers: { Upgrade: 'websocket', ...headers } })
  if (!response.webSocket) throw new Error(`The upgrade answered ${response.status}.`)
  return { response, line: new TestLine(response.webSocket) }
}

/** The credentials of a worker, and a function that opens a line with them. */
async function aWorker() {
  const { id, run } = await dispatchedJob(world.runs)
  const { line_url: url, callback_token: token, output } = run.input
  const path = pathOf(url.replace(/^ws/, 'http'))
  return { id, url, token, path, output, open: () => dial(path, bearer(token)) }
}

const jobOf = async (id: string) => bodyOf<JobJson>(await api(`/api/jobs/${id}`))
const logged = (at: string) => world.logs.map((line) => JSON.parse(line)).filter((line) => line.at === at)

describe('GET /api/jobs/:id/do/ws', () => {
  it('is given to the worker, opens with its token, and takes its reports', async () => {
    const { id, url, open } = await aWorker()
    expect(url).toBe(`wss://exportal.test/api/jobs/${id}/do/ws`)
    const { line } = await open()
    line.hello('a')
    line.progress(1, 42)
    await line.settled()
    expect(await jobOf(id)).toMatchObject({ status: 'processing', progress: 42 })
  })

  it.each(['NaN', '-Infinity', '1e999'])(
    'takes a report with %s, as a posted one is taken',
    async (number) => {
      const { id, open } = await aWorker()
      const { line } = await open()
      line.hello('a')
      line.send(`{"type":"progress","n":1,"progress":42,"message":"NaN","eta_seconds":${number}}`)
      line.send(`{"type":"error","n":2,"error":"The loss is NaN.","should_retry":false,"loss":${number}}`)
      await line.settled()
      expect(line.told).toEqual([{ type: 'ack', of: 2 }])
      expect(await jobOf(id)).toMatchObject({
        status: 'error',
        progress: 42,
        error: { code: 'worker_error', message: 'The loss is NaN.' },
      })
    },
  )

  it('selects the subprotocol where it is offered, and none where it is not', async () => {
    const { path, token } = await aWorker()
    const offered = { ...bearer(token), 'Sec-WebSocket-Protocol': 'other, exportal.worker.v1' }
    const { response } = await dial(path, offered)
    expect(response.headers.get('Sec-WebSocket-Protocol')).toBe('exportal.worker.v1')
    const bare = await dial(path, bearer(token))
    expect(bare.response.headers.get('Sec-WebSocket-Protocol')).toBeNull()
  })

  it('is no page: what is no upgrade is told so', async () => {
    const { path, token } = await aWorker()
    await problemOf(await api(path, { headers: bearer(token) }), 426, 'upgrade_required')
  })

  it.each(['none', 'wrong', 'another job’s', 'expired'])(
    'closes with 4401 for a token that is %s, and wakes no actor',
    async (kind) => {
      const { job_id: id } = await createJob()
      const other = newId()
      const tokens: Record<string, string | null> = {
        none: null,
        wrong: '1.1.9999999999.nonsense',
        'another job’s': callbackToken(SECRET, id, { round: 1, attempt: 1 }, Date.now() + HOUR),
        expired: callbackToken(SECRET, other, { round: 1, attempt: 1 }, Date.now() - HOUR),
      }
      const token = tokens[kind]
      const { line } = await dial(`/api/jobs/${other}/do/ws`, token ? bearer(token) : {})
      expect(await line.ended()).toBe(4401)
      expect(line.told).toEqual([])
      expect(await tablesOf(env.EXPORT_JOB.getByName(other))).toEqual([])
    },
  )

  it('an access token opens nothing', async () => {
    const { job_id: id } = await createJob()
    const { token } = await bodyOf<{ token: string }>(await post('/api/tokens', { scope: 'jobs:read' }), 201)
    const { line } = await dial(`/api/jobs/${id}/do/ws`, bearer(token))
    expect(await line.ended()).toBe(4401)
  })

  it('tells the worker of a job that is gone to stop', async () => {
    const id = newId()
    const token = callbackToken(SECRET, id, { round: 1, attempt: 1 }, Date.now() + HOUR)
    const { line } = await dial(`/api/jobs/${id}/do/ws`, bearer(token))
    expect(await line.ended()).toBe(4404)
    expect(line.told).toEqual([{ type: 'stop', reason: 'gone' }])
    expect(await tablesOf(env.EXPORT_JOB.getByName(id))).toEqual([])
  })

  it('of another attempt than the one that is open is told to stop', async () => {
    const { id, path } = await aWorker()
    const { line } = await dial(
      path,
      bearer(callbackToken(SECRET, id, { round: 1, attempt: 7 }, Date.now() + HOUR)),
    )
    line.hello('a')
    expect(await line.ended()).toBe(1000)
    expect(line.told).toEqual([{ type: 'stop', reason: 'closed' }])
  })

  it('writes a line of the log when it opens, one when it closes for good, and none for a message or a short loss', async () => {
    const { id, open } = await aWorker()
    const { line } = await open()
    line.hello('a')
    for (let n = 1; n <= 10; n++) line.progress(n, n)
    await line.settled()
    line.hangUp()
    await eventually(async () => (await jobOf(id)).status === 'processing')
    world.logs.length = 0
    const { line: again } = await open()
    again.hello('a')
    for (let n = 11; n <= 15; n++) again.progress(n, n)
    await again.settled()
    expect(world.logs).toEqual([])
    await post(`/api/jobs/${id}/cancel`, {})
    await again.ended()
    expect(logged('line')).toMatchObject([{ job_id: id, code: 1000, messages: 15, last_n: 15 }])
  })

  it('that is lost for good is logged once', async () => {
    const { id, open } = await aWorker()
    const { line } = await open()
    line.hello('a')
    await line.settled()
    line.hangUp(1001)
    await eventually(() =>
      env.EXPORT_JOB.getByName(id)
        .view()
        .then(() => true),
    )
    expect(logged('line')).toEqual([])
    pass(11_000)
    await ring(id)
    expect(logged('line')).toMatchObject([{ job_id: id, code: 1001, messages: 0 }])
  })
})

describe('POST /api/jobs/:id/do/…', () => {
  it.each([
    ['a header', { 'X-Report-N': '4', 'X-Report-Instance': 'a' }, {}],
    ['the body', {}, { n: 4, instance: 'a' }],
  ])('with a number in %s that the line has passed changes nothing', async (_, headers, body) => {
    const { id, token, open } = await aWorker()
    const { line } = await open()
    line.hello('a')
    line.progress(5, 50)
    await line.settled()
    const late = { progress: 20, stage: 'downloading', ...body }
    await bodyOf(await post(`/api/jobs/${id}/do/progress`, late, { ...bearer(token), ...headers }))
    expect(await jobOf(id)).toMatchObject({ progress: 50, stage: 'rendering' })
  })

  it('with a number that is none is a report like any', async () => {
    const { id, token } = await aWorker()
    for (const n of ['x', '-1', '1.5', '1e99', '']) {
      const headers = { ...bearer(token), 'X-Report-N': n, 'X-Report-Instance': 'no instance' }
      await bodyOf(await post(`/api/jobs/${id}/do/progress`, { progress: 20, n, instance: {} }, headers))
    }
    expect(await jobOf(id)).toMatchObject({ progress: 20 })
  })
})
