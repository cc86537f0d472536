/** One version number for the package, the service, its API document, the client, the GPU worker and the changelog. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VERSION } from '../../actors/shared/version.ts'
import { ROOT } from '../../scripts/wrangler.ts'

const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8')

test.each<[string, (text: string) => unknown]>([
  ['package.json', (text) => JSON.parse(text).version],
  ['package-lock.json', (text) => JSON.parse(text).version],
  ['client/package.json', (text) => JSON.parse(text).version],
  ['openapi.json', (text) => JSON.parse(text).info.version],
  ['gpu-worker/exportal_worker/__init__.py', (text) => /VERSION = "(.*)"/.exec(text)?.[1]],
  ['CHANGELOG.md', (text) => /^## (\S+)/m.exec(text)?.[1]],
  ['client/README.md', (text) => /exportal-client-(\d+\.\d+\.\d+)\.tgz/.exec(text)?.[1]],
])('%s has the version of the service', (path, versionOf) => {
  expect(versionOf(textOf(path))).toBe(VERSION)
})
