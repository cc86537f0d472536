/** A hostile client at a worker's line: none opens without the token, and nothing breaks with it. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hostileBody, nearly, RUNS, stateOf } from '../../support/workerd/hostile.ts'
import { api, dispatchedJob, useHttpWorld } from '../../support/workerd/http.ts'
import { TestLine } from '../../support/workerd/line.ts'

const world = useHttpWorld()

async function dial(id: string, token: string): Promise<TestLine> {
  const headers = { Upgrade: 'websocket', Authorization: `Bearer ${token}` }
  const { webSocket, status } = await api(`/api/jobs/${id}/do/ws`, { headers })
  if (!webSocket) throw new Error(`The upgrade answered ${status}.`)
  return new TestLine(webSocket)
}

const GOOD = { type: 'progress', n: 3, progress: 50, stage: 'x', message: 'y', eta_seconds: 3 }
const HELLO = { type: 'hello', runpod_job_id: 'rp', instance: 'a' }
const frame = fc.oneof(
  hostileBody(GOOD),
  hostileBody(HELLO),
  hostileBody({ type: 'error', error: 'bad', should_retry: true }),
  fc.string({ unit: 'binary', maxLength: 6_000 }),
  fc.uint8Array({ maxLength: 6_000 }),
)

/** A thousand frames each: two lines in `npm test`, ten in `npm run test:fuzz`. */
const LINES = Math.min(10, Math.ceil(RUNS / 15))

/** Close codes of a line: too large, binary, too fast, stopped or ended. */
const CLOSES = [null, 1000, 1003, 1008, 1009]

it('with a token that is nearly right no line opens, and nothing is changed', async () => {
  const { id, run } = await dispatchedJob(world.runs)
  const before = await stateOf(id)
  await fc.assert(
    fc.asyncProperty(nearly(run.input.callback_token), async (token) => {
      const line = await dial(id, token)
      expect(await line.ended()).toBe(4401)
      expect(await stateOf(id)).toEqual(before)
    }),
    { numRuns: RUNS },
  )
})

it('before a hello no frame changes anything', async () => {
  const { id, run } = await dispatchedJob(world.runs)
  const before = await stateOf(id)
  const isHello = (sent: string | Uint8Array) => typeof sent === 'string' && sent.includes('hello')
  await fc.assert(
    fc.asyncProperty(
      frame.filter((sent) => !isHello(sent)),
      async (sent) => {
        const line = await dial(id, run.input.callback_token)
        line.send(typeof sent === 'string' ? sent : new Uint8Array(sent).buffer)
        await line.settled()
        expect(CLOSES).toContain(line.closed)
        expect(await stateOf(id)).toEqual(before)
        line.hangUp()
      },
    ),
    { numRuns: RUNS },
  )
})

it('after one every frame is taken, refused or closes the line, and the job is still to be read', async () => {
  const { id, run } = await dispatchedJob(world.runs)
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 4 }), async (frames) => {
      const line = await dial(id, run.input.callback_token)
      line.hello()
      for (const sent of frames) line.send(typeof sent === 'string' ? sent : new Uint8Array(sent).buffer)
      await line.settled()
      expect(CLOSES).toContain(line.closed)
      for (const { type } of line.told) expect(['ack', 'refused', 'stop']).toContain(type)
      expect((await api(`/api/jobs/${id}`)).status).toBe(200)
      line.hangUp()
    }),
    { numRuns: RUNS },
  )
})

it('thousands of frames, far too fast, change nothing and are heard by nobody', async () => {
  const { id, run } = await dispatchedJob(world.runs)
  const before = await stateOf(id)
  for (let lines = 0; lines < LINES; lines++) {
    const line = await dial(id, run.input.callback_token)
    for (let sent = 0; sent < 1_000; sent++) line.send('{"type":"progress","n":1,"progress":99}')
    expect(await line.ended()).toBe(1008)
    expect(line.told.length).toBeLessThanOrEqual(20)
  }
  expect(await stateOf(id)).toEqual(before)
})
