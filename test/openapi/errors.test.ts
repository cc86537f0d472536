import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PROBLEM_GROUPS, PROBLEMS } from '../../src/problems/index.ts'
import { errorsMarkdown } from '../../src/problems/markdown.ts'

const ROOT = join(import.meta.dirname, '../..')

it('docs/errors.md is what the catalogue says (npm run openapi writes it)', () => {
  expect(readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')).toBe(errorsMarkdown())
})

it('every code has one place, a cause and something to do', () => {
  const codes = Object.values(PROBLEM_GROUPS).flatMap((group) => Object.keys(group))
  expect(new Set(codes).size).toBe(codes.length)
  for (const [code, { statuses, cause, remedy }] of Object.entries(PROBLEMS)) {
    expect(code).toMatch(/^[a-z]+(_[a-z0-9]+)*$/)
    expect(statuses.length).toBeGreaterThan(0)
    for (const status of statuses) expect(status).toBeGreaterThanOrEqual(400)
    for (const sentence of [cause, remedy]) expect(sentence).toMatch(/^[A-Z`].*\.$/)
  }
})
