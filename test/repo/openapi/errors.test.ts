import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PROBLEM_GROUPS, PROBLEMS } from '../../../src/problems/index.ts'
import { errorsMarkdown } from '../../../src/problems/markdown.ts'
import { FAILURES } from '../../../wire/failures.ts'

const ROOT = join(import.meta.dirname, '../../..')

it('docs/errors.md is what the catalogue says (npm run openapi writes it)', () => {
  expect(readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')).toBe(errorsMarkdown())
})

it('every failure that the service itself gives a job is explained', () => {
  const files = readdirSync(join(ROOT, 'actors'), { recursive: true, encoding: 'utf8' })
  const sources = [
    ...files
      .filter((file) => file.endsWith('.ts') && !file.startsWith('upload/'))
      .map((file) => `actors/${file}`),
    'src/d1/sweep.ts',
  ]
  const code = /\b(?:failure\(\s*|refused\(\s*'[a-z]+',\s*)'([a-z_]+)'|code: '([a-z_]+)',\s+message:/g
  const given = sources.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(code)].flatMap(([, ...codes]) =>
      codes.filter(Boolean),
    ),
  )
  expect(given.length).toBeGreaterThan(20)
  expect(given).toEqual(expect.arrayContaining(['output_missing', 'input_not_found', 'not_accepted']))
  expect(given.filter((each) => !Object.hasOwn(FAILURES, each))).toEqual([])
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
