/** `npm run openapi`: writes what is made from the schemas and the catalogue of problems. A test fails when it is stale. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorsMarkdown } from '../src/problems/markdown.ts'

const ROOT = join(import.meta.dirname, '..')

const MADE: Record<string, string> = { 'docs/errors.md': errorsMarkdown() }
for (const [path, text] of Object.entries(MADE)) {
  writeFileSync(join(ROOT, path), text)
  console.log(`${path}: ${text.length} characters`)
}
