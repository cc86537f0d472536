import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PROMISES } from './promises.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

/** The rows of the README's table of promises: number, promise, and the files it links to. */
const ROWS = [...readme.matchAll(/^\| (\d+) \| (.+?) \| (.+) \|$/gm)].map(([, number, , links = '']) => ({
  number: Number(number),
  files: [...links.matchAll(/\]\((test\/[^)]+)\)/g)].map(([, file]) => file),
}))

describe('The promises', () => {
  test('of the README are those that are broken on purpose, row by row', () => {
    expect(ROWS).toEqual(
      PROMISES.map(({ number, proofs }) => ({ number, files: proofs.map((proof) => proof.test) })),
    )
  })

  test('are ten, and each has a test', () => {
    expect(PROMISES.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    for (const { proofs } of PROMISES) expect(proofs.length).toBeGreaterThan(0)
  })

  test.each(PROMISES.flatMap(({ proofs }) => proofs))('$mutant.name', ({ test: file, mutant }) => {
    expect(existsSync(join(ROOT, file))).toBe(true)
    const source = readFileSync(join(ROOT, mutant.file), 'utf8')
    expect(source.split(mutant.search).length - 1, 'times that the text stands in the file').toBe(1)
    expect(mutant.replace).not.toBe(mutant.search)
  })
})
