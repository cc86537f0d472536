/** Hostile reports, webhooks and sockets: no 500, no change without the token, nothing unbounded. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostileBody, hostileHeaders, nearly, RUNS, stateOf } from '../../support/workerd/hostile.ts'
import { api, dispatchedJob, pathOf, useHttpWorld } from '../../support/workerd/http.ts'

const world = useHttpWorld()

const REPORTS = {
  progress: { progress: 10, stage: 'x', message: 'y', eta_seconds: 3, runpod_job_id: 'r' },
  complete: { output_video_key: 'output/x', runpod_job_id: 'r' },
  error: { error: 'bad', should_retry: true, code: 'worker_error', runpod_job_id: 'r' },
}
const kind = fc.constantFrom<keyof typeof REPORTS>('progress', 'complete', 'error')
const ENVELOPE = {
  id: 'rp',
  status: 'COMPLETED',
  output: { output_video_key: 'output/x' },
  error: 'e',
  executionTime: 5,
  delayTime: 5,
  webhook: 'https://x',
  input: {},
}
const PLAIN = { job_id: 'x', status: 'completed', output: { output_video_key: 'output/x' }, error: 'e' }

async function settled(response: Response): Promise<number> {
  await response.arrayBuffer()
  return response.status
}

/** Refused with a client error; 503 would invite a retry. */
function expectRefused(status: number): void {
  expect(status).toBeGreaterThanOrEqual(400)
  expect(status).toBeLessThan(500)
}

describe('Without the right token', () => {
  it('no report changes anything', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const before = await stateOf(id)
    const attack = fc.tuple(kind, nearly(run.input.callback_token), hostileHeaders)
    await fc.assert(
      fc.asyncProperty(attack, fc.gen(), async ([name, token, headers], gen) => {
        const body = gen(hostileBody, REPORTS[name])
        const init = { method: 'POST', body, headers: { ...headers, Authorization: `Bearer ${token}` } }
        expect(await settled(await api(`/api/jobs/${id}/do/${name}`, init))).toBe(401)
        expect(await stateOf(id)).toEqual(before)
      }),
      { numRuns: RUNS },
    )
  })

  it('no webhook of RunPod changes anything', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const before = await stateOf(id)
    const [path = '', query = ''] = pathOf(run.webhook).split('?')
    await fc.assert(
      fc.asyncProperty(
        nearly(query),
        fc.oneof(hostileBody(ENVELOPE), hostileBody(PLAIN)),
        async (altered, body) => {
          // A change of the encoding only, or of an unsigned parameter, is the same query.
          const same = new URLSearchParams(altered).toString() === new URLSearchParams(query).toString()
          fc.pre(!same)
          const status = await settled(await api(`${path}?${altered}`, { method: 'POST', body }))
          expectRefused(status)
          expect(await stateOf(id)).toEqual(before)
        },
      ),
      { numRuns: RUNS },
    )
  })
})

describe('With the right token', () => {
  it('a hostile report is taken or refused, and a refused one changes nothing', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    await fc.assert(
      fc.asyncProperty(kind, hostileHeaders, fc.gen(), async (name, headers, gen) => {
        const before = await stateOf(id)
        const body = gen(hostileBody, REPORTS[name])
        const Authorization = `Bearer ${run.input.callback_token}`
        const init = { method: 'POST', body, headers: { ...headers, Authorization } }
        const status = await settled(await api(`/api/jobs/${id}/do/${name}`, init))
        if (status === 200) return
        expectRefused(status)
        // A completion with another key is logged, with its key; nothing else of the job changes.
        if (status !== 422) expect(await stateOf(id)).toEqual(before)
      }),
      { numRuns: RUNS },
    )
    expect((await api(`/api/jobs/${id}`)).status).toBe(200)
  })

  it('a hostile envelope is taken or refused, and a refused one changes nothing', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const body = fc.oneof(hostileBody(ENVELOPE), hostileBody({ ...PLAIN, job_id: id }))
    await fc.assert(
      fc.asyncProperty(body, async (sent) => {
        const before = await stateOf(id)
        const status = await settled(await api(pathOf(run.webhook), { method: 'POST', body: sent }))
        if (status === 200) return
        expectRefused(status)
        if (status !== 422) expect(await stateOf(id)).toEqual(before)
      }),
      { numRuns: RUNS },
    )
    expect((await api(`/api/jobs/${id}`)).status).toBe(200)
  })
})

describe('A body without end', () => {
  // Bytes that a stream's own buffers take in advance are not read by the service.
  it.each([
    ['without a token', '', 401, 4],
    ['with the token', 'right', 413, 72],
  ])('%s is let go early', async (_name, which, wanted, mostChunks) => {
    const { id, run } = await dispatchedJob(world.runs)
    let pulled = 0
    const body = new ReadableStream({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(64 * 1024).fill(0x20))
        if (pulled > 2_000) controller.close()
      },
    })
    const Authorization = `Bearer ${which === 'right' ? run.input.callback_token : 'x'}`
    const headers = { 'Content-Type': 'application/json', Authorization }
    const init = { method: 'POST', headers, body }
    expect(await settled(await api(`/api/jobs/${id}/do/progress`, init))).toBe(wanted)
    expect(pulled).toBeLessThanOrEqual(mostChunks)
  })
})

describe('A watcher', () => {
  const frame = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 1_024 }),
    fc.json({ maxDepth: 3 }).filter((text) => text.length <= 1_024),
    fc.uint8Array({ maxLength: 1_024 }),
    fc.constantFrom('ping', 'pong', '{"type":"event"}', '{"__proto__":{}}', ''),
  )

  it('can say what it likes: nothing is changed, and the others hear what happens', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const dial = async () => {
      const { webSocket } = await api(`/api/jobs/${id}/ws`, { headers: { Upgrade: 'websocket' } })
      if (!webSocket) throw new Error('There is no socket.')
      webSocket.accept()
      return webSocket
    }
    const [hostile, other] = [await dial(), await dial()]
    const heard = new Promise<string>((resolve) => {
      other.addEventListener('message', ({ data }) => {
        if (String(data).includes('"progress":77')) resolve(String(data))
      })
    })
    const before = await stateOf(id)
    await fc.assert(
      fc.asyncProperty(frame, async (text) => {
        // One each: a socket that sends more than a few of these is closed.
        const talker = await dial()
        talker.send(text)
        expect(await stateOf(id)).toEqual(before)
        talker.close(1000)
      }),
      { numRuns: RUNS },
    )
    const closed = new Promise<number>((resolve) => {
      hostile.addEventListener('close', ({ code }) => resolve(code))
    })
    hostile.send('x'.repeat(1_025))
    expect(await closed).toBe(1009)
    const headers = {
      Authorization: `Bearer ${run.input.callback_token}`,
      'Content-Type': 'application/json',
    }
    const body = JSON.stringify({ progress: 77 })
    await settled(await api(`/api/jobs/${id}/do/progress`, { method: 'POST', headers, body }))
    expect(await heard).toContain('77')
    other.close()
  })
})
