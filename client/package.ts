/**
 * `npm run build:client`, also run before each `npm pack ./client`: compiles the client and the contract into
 * `client/dist`, the form in which the package ships them: one module per file, with types, for Node, Workers, browsers
 * and bundlers.
 */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const HERE = import.meta.dirname
const ROOT = join(HERE, '..')
const DIST = join(HERE, 'dist')

rmSync(DIST, { recursive: true, force: true })
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
execFileSync(process.execPath, [tsc, '-p', join(HERE, 'tsconfig.package.json')], { stdio: 'inherit' })
for (const path of globSync(`${DIST}/**/*.d.ts`)) {
  // The compiler rewrites the extensions of imports in modules only.
  const text = readFileSync(path, 'utf8').replace(/(['"]\.{1,2}\/[^'"]+)\.ts(?=['"])/g, '$1.js')
  writeFileSync(path, text)
}
// Bundles the only dependency into its module, so that the package has none.
const md5 = join(DIST, 'client/md5.js')
const shipped = { format: 'esm', target: 'es2022', platform: 'neutral' } as const
await build({ entryPoints: [md5], outfile: md5, allowOverwrite: true, bundle: true, ...shipped })
// The contract consists of types: its modules are empty, and nothing imports them.
for (const path of globSync(`${DIST}/wire/*.js`)) rmSync(path)
const licenses = ['LICENSE', 'node_modules/@noble/hashes/LICENSE'].map((path) =>
  readFileSync(join(ROOT, path), 'utf8'),
)
writeFileSync(join(DIST, 'LICENSE'), licenses.join('\nMD5 is of @noble/hashes:\n\n'))
