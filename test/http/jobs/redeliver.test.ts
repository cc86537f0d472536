/** POST /api/jobs/:id/webhooks/:delivery/redeliver. */
import { describe, expect, it } from 'vitest'
import { MINUTE } from '../../support/workerd/clock.ts'
import { api, bodyOf, createJob, problemOf, retire, ring, useHttpWorld } from '../../support/workerd/http.ts'
import { answers, aToldJob, lines, received, ringAfter, useReceiver } from '../../support/workerd/receiver.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

useHttpWorld()
useReceiver()

describe('POST …/redeliver', () => {
  const redeliver = (id: string, delivery: string, init: RequestInit = {}) =>
    api(`/api/jobs/${id}/webhooks/${delivery}/redeliver`, { method: 'POST', ...init })

  it('sends a delivered message again, the same under the same id', async () => {
    const id = await aToldJob()
    await ring(id)
    const delivery = String((await lines(id))[0]?.data.delivery)
    await bodyOf(await redeliver(id, delivery), 202)
    await ring(id)
    const [first, again] = received
    expect(again?.body).toBe(first?.body)
    expect(again?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    expect((await lines(id)).map(({ type }) => type)).toEqual([
      'webhook_delivered',
      'webhook_redelivery_requested',
      'webhook_delivered',
    ])
  })

  it('sends one that was given up', async () => {
    const id = await aToldJob({ policy: { retention_seconds: 30 * 24 * 3600 } })
    for (let i = 0; i < 10; i++) {
      answers.push(() => Response.error())
      await ringAfter(27 * 60 * MINUTE, id)
    }
    const last = (await lines(id)).at(-1)
    expect(last).toMatchObject({ type: 'webhook_given_up', data: { tries: 10 } })
    await bodyOf(await redeliver(id, String(last?.data.delivery)), 202)
    await ring(id)
    expect((await lines(id)).at(-1)).toMatchObject({ type: 'webhook_delivered', data: { tries: 1 } })
  })

  it('answers 404 for a delivery that is not there, and for a job that is not', async () => {
    await problemOf(await redeliver(await aToldJob(), 'other'), 404, 'delivery_not_found')
    await problemOf(await redeliver(crypto.randomUUID(), 'other'), 404, 'job_not_found')
  })

  it('answers 409 for a job without a webhook, and for one that was retired', async () => {
    await problemOf(await redeliver((await createJob()).job_id, 'x'), 409, 'no_webhook')
    const id = await aToldJob()
    await ring(id)
    await retire(id)
    await problemOf(await redeliver(id, 'x'), 409, 'archived')
  })

  it('needs jobs:write, and the project of the job', async () => {
    const id = await aToldJob()
    const as = async (grant: object) => ({ headers: bearer(await tokenOf(grant)) })
    await problemOf(await redeliver(id, 'x', await as({ scopes: ['jobs:read'] })), 403, 'scope_missing')
    const stranger = await as({ scopes: ['jobs:write'], projectId: 99 })
    await problemOf(await redeliver(id, 'x', stranger), 404, 'job_not_found')
  })
})
