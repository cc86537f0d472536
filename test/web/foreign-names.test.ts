/** External names - of types, params, files, error codes - that are also inherited properties of objects. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isSame } from '../../web/src/form/pointer.ts'
import { ownValue, variantOf } from '../../web/src/form/schema.ts'
import { labelOf } from '../../web/src/format.ts'
import { firstParams, firstShape } from '../../web/src/studio/suggestions.ts'

const INHERITED = ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']
const SCHEMA = { type: 'object', required: ['a'], properties: { a: { type: 'string' } } }

describe.each(INHERITED)('the name %s', (name) => {
  test('is a type like any other: its form begins with what its schema asks for', () => {
    expect(firstParams(name, SCHEMA)).toEqual({ a: '' })
    expect(firstShape(name)(SCHEMA)).toEqual({ a: '' })
  })

  test('is a field like any other: labelled by its name, and empty until something is set', () => {
    expect(typeof labelOf(name).label).toBe('string')
    expect(ownValue({}, name)).toBeUndefined()
    expect(ownValue(JSON.parse(`{"${name}":1}`), name)).toBe(1)
    const variants = [{ required: [name] }, { required: ['other'] }]
    expect(variantOf(variants, { other: 1 })).toBe(1)
    expect(isSame({}, JSON.parse(`{"${name}":1}`), `/${name}`)).toBe(false)
  })
})

test('no table of the pages is an object that is asked by a name from elsewhere', () => {
  const root = join(import.meta.dirname, '../../web/src')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.tsx?$/.test(file),
  )
  const tables = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?:const|let) (\w+): Record<string,[^=]+= \{/g)].map(
      ([, name]) => `${file} ${name}`,
    ),
  )
  expect(files.length).toBeGreaterThan(50)
  expect(tables, 'a Map holds only what was put into it').toEqual([])
})
