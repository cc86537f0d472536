import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { observationOf } from '../../actors/runpod/envelope.ts'

/**
 * Object literals inherit `constructor` and `toString`, so lookups by external names must use a Map. Checked by reading
 * the sources.
 */
const ROOT = resolve(import.meta.dirname, '../..')
const FOLDERS = ['src', 'actors', 'client', 'web/src', 'runpod-local', 'scripts']
/** Sources whose names are all defined in the code. */
const OWN_NAMES = ['src/openapi/', 'client/build.ts', 'scripts/doctor/']

function sources(): { file: string; code: string }[] {
  return FOLDERS.filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/(^|\/)(node_modules|dist|out)\//.test(path))
    .map((path) => ({ file: relative(ROOT, path), code: readFileSync(path, 'utf8') }))
}

const DECLARED = /(\w+)\??: (?:Readonly<)?(?:Partial<)?Record<string,/g

test('No object is indexed by a text that may be anything', () => {
  const strays = sources().flatMap(({ file, code }) =>
    [...code.matchAll(DECLARED)].flatMap(([, name]) => {
      const indexed = new RegExp(
        `(?<![\\w.])(?:[\\w.]+\\.)?${name}(?:\\?\\.)?\\[(?!['"\`\\d])[^\\]]+\\]`,
        'g',
      )
      return (code.match(indexed) ?? []).map((use) => `${file}: ${use}`)
    }),
  )
  expect(strays.filter((stray) => !OWN_NAMES.some((file) => stray.startsWith(file)))).toEqual([])
})

describe('A word that every object answers to', () => {
  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf'])(
    'is no status that RunPod has: %s',
    (status) => {
      const envelope = { id: null, status, delayTime: null, executionTime: null, workerId: null }
      expect(observationOf(envelope).state).toBe('queued')
    },
  )
})
