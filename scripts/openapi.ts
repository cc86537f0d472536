/**
 * `npm run openapi`: generates files from the schemas and the catalogue of problems. A test fails when they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openApiDocument } from '../src/openapi/document.ts'
import { errorsMarkdown } from '../src/problems/markdown.ts'

const ROOT = join(import.meta.dirname, '..')

const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const MADE: Record<string, string> = {
  'openapi.json': `${JSON.stringify(openApiDocument(version), null, 1)}\n`,
  'docs/errors.md': errorsMarkdown(),
}
for (const [path, text] of Object.entries(MADE)) {
  writeFileSync(join(ROOT, path), text)
  console.log(`${path}: ${text.length} characters`)
}
