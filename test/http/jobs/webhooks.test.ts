/** Outgoing webhooks over the wire: the messages that a receiver gets, and the effects of its answers. */
import { Webhook } from 'standardwebhooks'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { deliver } from '../../../actors/export-job/effects/webhook.ts'
import { DEVELOPMENT_WEBHOOK_SECRET } from '../../../actors/shared/secrets.ts'
import { readSettings, type Settings } from '../../../actors/shared/settings.ts'
import { verifyWebhook } from '../../../client/webhooks.ts'
import { WebhookMessage } from '../../../src/jobs/schemas.ts'
import { MINUTE, T0 } from '../../support/workerd/clock.ts'
import { api, apiWith, jobBody, post, problemOf, ring, useHttpWorld } from '../../support/workerd/http.ts'
import {
  answers,
  aToldJob,
  lines,
  received,
  ringAfter,
  theOnly,
  URL_OF_RECEIVER,
  useReceiver,
} from '../../support/workerd/receiver.ts'
import { bearer, PRODUCTION, STRONG, tokenOf } from '../../support/workerd/tokens.ts'

useHttpWorld()
useReceiver()

const stream = (source: UnderlyingSource<Uint8Array>) => new ReadableStream<Uint8Array>(source)

describe('A delivery', () => {
  it('is accepted by the verifier of the specification, and by ours', async () => {
    const id = await aToldJob({ metadata: { order: 4711 } })
    await ring(id)
    const { headers, body } = theOnly()
    const message = new Webhook(DEVELOPMENT_WEBHOOK_SECRET).verify(body, headers)
    const ours = await verifyWebhook({ payload: body, headers, secret: DEVELOPMENT_WEBHOOK_SECRET })
    expect(ours).toEqual(message)
    expect(v.parse(WebhookMessage, message)).toEqual(message)
    expect(message).toMatchObject({
      type: 'job.cancelled',
      timestamp: new Date(T0).toISOString(),
      data: { job: { id, status: 'cancelled', metadata: { order: 4711 }, output_url: null } },
    })
    expect(headers['content-type']).toBe('application/json')
    expect(await lines(id)).toMatchObject([
      { type: 'webhook_delivered', data: { delivery: headers['webhook-id'], tries: 1, status: 204 } },
    ])
  })

  it.each<[string, (cancelled: () => void) => ReadableStream]>([
    [
      'large',
      (cancel) =>
        stream({
          pull: (to: ReadableStreamDefaultController<Uint8Array>) => to.enqueue(new Uint8Array(70_000)),
          cancel,
        }),
    ],
    ['silent', (cancel) => stream({ cancel })],
    [
      'broken',
      () =>
        stream({
          start: (to: ReadableStreamDefaultController<Uint8Array>) =>
            to.error(new Error('The connection was reset.')),
        }),
    ],
  ])('counts by its status alone, whatever body the receiver answers: %s', async (name, make) => {
    let cancelled = name === 'broken'
    answers.push(() => new Response(make(() => (cancelled = true))))
    const id = await aToldJob()
    await ring(id)
    expect(await lines(id)).toMatchObject([
      { type: 'webhook_delivered', data: { tries: 1, status: 200, latency_ms: 0 } },
    ])
    expect(cancelled).toBe(true)
    await ringAfter(24 * 60 * MINUTE, id)
    expect(received).toHaveLength(1)
  })

  it('is not altered by anyone unnoticed', async () => {
    await ring(await aToldJob())
    const { headers, body } = theOnly()
    const forged = body.replace('cancelled', 'complete')
    expect(() => new Webhook(DEVELOPMENT_WEBHOOK_SECRET).verify(forged, headers)).toThrow('signature')
    const secret = DEVELOPMENT_WEBHOOK_SECRET
    await expect(verifyWebhook({ payload: forged, headers, secret })).rejects.toThrow('No signature')
  })

  it('comes later to a receiver that was down, once, and says what was true at its event', async () => {
    const id = await aToldJob()
    for (let i = 0; i < 3; i++) answers.push(() => new Response('down', { status: 503 }))
    await ring(id)
    await ringAfter(6_000, id)
    await post(`/api/jobs/${id}/retry`, {})
    await ringAfter(6 * MINUTE, id)
    await ringAfter(40 * MINUTE, id)
    await ringAfter(40 * MINUTE, id)
    const ended = received.filter(({ body }) => body.includes('job.cancelled'))
    expect(ended).toHaveLength(4)
    expect(new Set(ended.map(({ body }) => body)).size).toBe(1)
    expect(new Set(ended.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(ended.map(({ headers }) => headers['webhook-signature'])).size).toBe(4)
    const delivery = ended[0]?.headers['webhook-id']
    const own = (await lines(id)).filter((line) => line.data.delivery === delivery)
    expect(own.map(({ type, data }) => [type, data.tries, data.status])).toEqual([
      ['webhook_failed', 1, 503],
      ['webhook_failed', 2, 503],
      ['webhook_failed', 3, 503],
      ['webhook_delivered', 4, 204],
    ])
  })

  it('is never redirected: 3xx is a failure that is shown', async () => {
    const id = await aToldJob()
    answers.push(() => new Response(null, { status: 307, headers: { Location: 'http://169.254.169.254/' } }))
    await ring(id)
    expect(theOnly().redirect).toBe('manual')
    expect(await lines(id)).toMatchObject([
      { type: 'webhook_failed', data: { status: 307, detail: 'It redirects (307), which is not followed.' } },
    ])
  })

  it('waits as long as Retry-After says, up to a day', async () => {
    for (const [header, waits] of [
      ['1200', 1_200_000],
      ['9999999', 24 * 60 * MINUTE],
    ] as const) {
      const id = await aToldJob()
      answers.push(() => new Response(null, { status: 429, headers: { 'Retry-After': header } }))
      await ring(id)
      const [line] = await lines(id)
      expect(Date.parse(String(line?.data.next_try_at)) - Date.now()).toBe(waits)
    }
  })

  it('stops at 410', async () => {
    const id = await aToldJob()
    answers.push(() => new Response(null, { status: 410 }))
    await ring(id)
    await post(`/api/jobs/${id}/retry`, {})
    await post(`/api/jobs/${id}/cancel`, {})
    await ringAfter(MINUTE, id)
    expect(received).toHaveLength(1)
    expect(await lines(id)).toMatchObject([{ type: 'webhook_refused', data: { status: 410 } }])
  })

  it('is small, however large the job', async () => {
    const params = { items: Array.from({ length: 20 }, () => ({ type: 'text', text: 'x'.repeat(200) })) }
    await ring(await aToldJob({ type: 'overlay', params, metadata: { note: 'y'.repeat(4_000) } }))
    expect(theOnly().body.length).toBeLessThan(20_000)
    expect(theOnly().body).toContain('yyyy')
  })

  it('does not come once the job is deleted', async () => {
    const id = await aToldJob()
    expect((await api(`/api/jobs/${id}`, { method: 'DELETE' })).status).toBe(200)
    await ring(id)
    await ringAfter(MINUTE, id)
    expect(received).toEqual([])
  })

  it('says nothing of where it goes, on the log or in the job', async () => {
    const id = await aToldJob()
    answers.push(() => {
      throw new Error(`connect to ${URL_OF_RECEIVER} failed`)
    })
    await ring(id)
    const shown = await (await api(`/api/jobs/${id}`)).text()
    expect(shown + JSON.stringify(await lines(id))).not.toContain('hooks.example.com')
  })
})

describe('During a rotation of WEBHOOK_SECRET', () => {
  const [fresh, old] = [
    'whsec_dGhlLW5ldy13ZWJob29rLXNlY3JldC1vZi10aGlzLXRlc3Q=',
    'whsec_dGhlLW9sZC13ZWJob29rLXNlY3JldC1vZi10aGlzLXRlc3Q=',
  ]
  const settingsOf = (vars: object): Settings => {
    const answer = readSettings({ ...PRODUCTION, ...vars })
    if (!answer.ok) throw new Error('not configured')
    return answer.settings
  }

  it('a message carries a signature by each secret, so that receivers may hold either', async () => {
    const settings = settingsOf({ WEBHOOK_SECRET: fresh, WEBHOOK_SECRET_PREVIOUS: old })
    await deliver({ id: 'msg', url: URL_OF_RECEIVER, body: '{}' }, settings, Date.now())
    const { headers, body } = theOnly()
    expect(headers['webhook-signature']?.split(' ')).toHaveLength(2)
    for (const secret of [fresh, old]) {
      expect(new Webhook(secret).verify(body, headers)).toEqual({})
      expect(await verifyWebhook({ payload: body, headers, secret })).toEqual({})
    }
  })

  it('and afterwards only the new one', async () => {
    await deliver({ id: 'msg', url: URL_OF_RECEIVER, body: '{}' }, settingsOf({ WEBHOOK_SECRET: fresh }), T0)
    const { headers, body } = theOnly()
    expect(new Webhook(fresh).verify(body, headers)).toEqual({})
    expect(() => new Webhook(old).verify(body, headers)).toThrow('signature')
  })

  it('a target that became private meanwhile is not called', async () => {
    const settings = settingsOf({ WEBHOOK_SECRET: fresh })
    const answer = await deliver({ id: 'msg', url: 'https://127.0.0.1/', body: '{}' }, settings, T0)
    expect(answer).toMatchObject({ kind: 'failed', status: null, gone: false })
    expect(fetch).not.toHaveBeenCalled()
  })
})

describe('A webhook_url', () => {
  const inProduction = async (webhook_url: string, vars: object) =>
    apiWith({ ...PRODUCTION, ...vars }, 'https://exportal.test/api/jobs', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...bearer(await tokenOf({}, STRONG)) },
      body: JSON.stringify(jobBody({ webhook_url })),
    })
  const WEBHOOK_SECRET = 'whsec_dGhlLW5ldy13ZWJob29rLXNlY3JldC1vZi10aGlzLXRlc3Q='

  it.each([
    'http://hooks.example.com/',
    'https://localhost/',
    'https://0x7f.1/',
    'https://[::ffff:10.0.0.1]/',
    'https://exportal.test./hook',
  ])('is refused in production when it is %s', async (url) => {
    const problem = await problemOf(await inProduction(url, { WEBHOOK_SECRET }), 400, 'validation_failed')
    expect(problem.errors).toEqual([
      { pointer: '/webhook_url', detail: expect.stringMatching(/called|itself/) },
    ])
  })

  it('is refused when the deployment cannot sign', async () => {
    const refused = await problemOf(await inProduction(URL_OF_RECEIVER, {}), 400, 'validation_failed')
    expect(refused.errors?.[0]?.detail).toContain('WEBHOOK_SECRET')
    expect((await inProduction(URL_OF_RECEIVER, { WEBHOOK_SECRET })).status).toBe(201)
  })

  it.each([[[]], [['done']], ['complete']])('names no events such as %j', async (webhook_events) => {
    const answer = await post('/api/jobs', jobBody({ webhook_url: URL_OF_RECEIVER, webhook_events }))
    expect((await problemOf(answer, 400)).errors?.[0]?.pointer).toMatch(/^\/webhook_events/)
  })
})
