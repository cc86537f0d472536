/** The data about a webhook's receiver for operators: the last answer to each message. */
import { describe, expect, it } from 'vitest'
import { act, open } from '../../support/workerd/admin.ts'
import { MINUTE } from '../../support/workerd/clock.ts'
import { ring, useHttpWorld } from '../../support/workerd/http.ts'
import { answers, aToldJob, ringAfter, useReceiver } from '../../support/workerd/receiver.ts'

useHttpWorld()
useReceiver()

describe('the last answer to a webhook', () => {
  it('is shown with the message that is still owed: its status, its words, and when it came', async () => {
    const id = await aToldJob()
    answers.push(() => new Response('Down for repair.', { status: 503 }))
    await ring(id)
    const { actor } = await open(id)
    const [owed] = actor.outbox.webhooks
    expect(owed?.tries).toBe(1)
    expect(actor.webhook_answers).toEqual([
      { id: owed?.id, at: expect.any(String), status: 503, detail: expect.stringContaining('503') },
    ])
  })

  it('is the newest one, and of a receiver that gave none says why', async () => {
    const id = await aToldJob()
    answers.push(() => new Response(null, { status: 503 }))
    await ring(id)
    answers.push(() => {
      throw new TypeError('The connection was refused.')
    })
    await ringAfter(6 * MINUTE, id)
    const { actor } = await open(id)
    expect(actor.webhook_answers).toMatchObject([{ status: null, detail: expect.any(String) }])
  })

  it('stays with a message of which nothing is owed: delivered, refused, or asked for again', async () => {
    const delivered = await aToldJob()
    await ring(delivered)
    expect((await open(delivered)).actor.webhook_answers).toMatchObject([{ status: 204, detail: null }])

    const refused = await aToldJob()
    answers.push(() => new Response(null, { status: 410 }))
    await ring(refused)
    const { actor } = await open(refused)
    const [{ id = '' } = {}] = actor.outbox.webhooks_settled
    expect(actor.webhook_answers).toMatchObject([{ id, status: 410 }])

    await act(refused, 'redeliver', { delivery_id: id })
    const again = await open(refused)
    expect(again.actor.outbox.webhooks).toMatchObject([{ id, tries: 0 }])
    expect(again.actor.webhook_answers).toMatchObject([{ id, status: 410 }])
  })
})
