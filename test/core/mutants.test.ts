import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { MUTANTS_OF_THE_CORE } from './mutants/of-the-core.ts'
import { MUTANTS_OF_THE_WORLD } from './mutants/of-the-world.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** `npm run test:mutants` plays them; here only that each still finds the line which it breaks. */
test.each([...MUTANTS_OF_THE_CORE, ...MUTANTS_OF_THE_WORLD])(
  'the mutant "$name" finds its line',
  (mutant) => {
    const source = readFileSync(join(ROOT, mutant.file), 'utf8')
    expect(source.split(mutant.search)).toHaveLength(2)
    expect(source.replace(mutant.search, () => mutant.replace)).not.toBe(source)
  },
)
