/** Static checks of the register; `npm run test:mutants` and `npm run test:promises` run the mutants. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { broken, ROOT } from './broken-copy.ts'
import { MUTANTS } from './register.ts'

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

/** The rows of the README's table of promises: number, and the test files it links to. */
const ROWS = [...readme.matchAll(/^\| (\d+) \| (.+?) \| (.+) \|$/gm)].map(([, number, , links = '']) => ({
  number: Number(number),
  files: [...links.matchAll(/\]\((test\/[^)]+)\)/g)].map(([, file]) => file),
}))

describe('A mutant', () => {
  test.each(MUTANTS)('finds its line, and changes it: $name', (mutant) => {
    const source = readFileSync(join(ROOT, mutant.file), 'utf8')
    expect(broken(source, mutant)).not.toBe(source)
  })

  test.each(MUTANTS)('is played by somebody: $name', ({ promise, shows, test: file, runs }) => {
    expect(file ?? runs).toBeDefined()
    expect(shows === undefined).toBe(promise === undefined)
    if (promise !== undefined) expect(file).toBeDefined()
    if (file) expect(existsSync(join(ROOT, file))).toBe(true)
  })

  test('stands in the register once', () => {
    const changes = MUTANTS.map(({ file, search, replace }) => JSON.stringify([file, search, replace]))
    expect(new Set(changes).size).toBe(MUTANTS.length)
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  })
})

describe('The promises', () => {
  test('of the README are those that are broken on purpose, row by row', () => {
    const proofs = (number: number) =>
      MUTANTS.flatMap(({ promise, test: file }) => (promise === number ? [file] : []))
    expect(ROWS.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(ROWS).toEqual(ROWS.map(({ number }) => ({ number, files: proofs(number) })))
  })

  test('that are broken are those of the README', () => {
    const known = ROWS.map(({ number }) => number)
    expect(MUTANTS.filter(({ promise }) => promise !== undefined && !known.includes(promise))).toEqual([])
  })
})
