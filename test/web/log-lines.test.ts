/** The pages know the log by its types alone, as HTTP gives them; here they are held to what the actor writes. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { markKind, OPERATOR, REPORTS } from '../../web/src/admin/job/lanes.ts'
import { TROUBLE } from '../../web/src/admin/job/trouble.ts'

const CORE = join(import.meta.dirname, '../../actors/export-job/core')
const written = new Set(
  readdirSync(CORE)
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readFileSync(join(CORE, file), 'utf8').matchAll(/\.note\(\s*'(\w+)'/g)])
    .map(([, type = '']) => type),
)

test('every type of a log line that pages and inspector ask for is one that the core writes', () => {
  expect(written.size).toBeGreaterThan(25)
  const steps = readFileSync(join(import.meta.dirname, '../../web/src/job/timeline.ts'), 'utf8')
  const stations = [...steps.matchAll(/type [!=]== '(\w+)'/g)].map(([, type = '']) => type)
  expect(stations.length).toBeGreaterThan(5)
  const asked = [...OPERATOR, ...REPORTS, ...TROUBLE, ...stations]
  expect(asked.filter((type) => !written.has(type))).toEqual([])
})

test('what a person asked for is marked as done by hand', () => {
  const byHand = [...written].filter((type) =>
    /_requested$|^(?:retried|retry_hurried|force_failed|deleting)$/.test(type),
  )
  expect(byHand.length).toBeGreaterThan(7)
  for (const type of byHand) {
    const line = { seq: 1, type, at: '2026-01-01T00:00:00.000Z', round: null, attempt: null, data: {} }
    expect(markKind(line), type).toBe('operator')
  }
})
