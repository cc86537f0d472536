/** Checks that the code satisfies the guarantees for receivers in docs/webhooks.md. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { MAX_OWED, MAX_SETTLED, WEBHOOK_PAUSES_MS } from '../../../actors/export-job/core/debts/webhooks.ts'
import { WEBHOOK_EVENTS } from '../../../actors/export-job/core/shown/webhook-message.ts'
import { WebhookMessage } from '../../../src/jobs/schemas.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/webhooks.md'), 'utf8')
const MS: Record<string, number> = { s: 1_000, min: 60_000, h: 3_600_000 }

test('The message shown is one, with every field', () => {
  const shown: unknown = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
  expect(v.parse(WebhookMessage, shown)).toEqual(shown)
})

test('The table is the one that is tried by', () => {
  const row = /\| after the one before \|(.*)\|/.exec(page)?.[1] ?? ''
  const [first = '', ...pauses] = row.split('|').map((cell) => cell.trim())
  expect(first).toBe('at once')
  expect(pauses.map((pause) => Number.parseInt(pause, 10) * (MS[pause.replace(/\d+ /, '')] ?? 0))).toEqual(
    WEBHOOK_PAUSES_MS,
  )
})

test('The events and limits are those that hold', () => {
  for (const event of WEBHOOK_EVENTS) expect(page).toContain(`\`${event}\``)
  expect(page).toContain(`At most ${MAX_OWED} messages`)
  expect(page).toContain(`newest ${MAX_SETTLED} settled messages`)
})
