/**
 * Bundles the client for browsers and enforces its size limit: `node client/build.ts [outdir]`.
 *
 * Uploads are a chunk that is loaded on first use, and so do not count towards the core with its socket.
 */
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** Gzipped bytes of the core with its socket. */
export const coreLimit = 8 * 1024

export interface Sizes {
  min: number
  gzip: number
}

/** Sizes of the core (with its static imports) and of each chunk that is loaded or imported separately. */
export async function measure(outdir?: string): Promise<Record<string, Sizes>> {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const { metafile, outputFiles } = await build({
    entryPoints: ['index', 'store', 'react', 'webhooks', 'media-types', 'upload'].map(
      (name) => `${here}${name}.ts`,
    ),
    absWorkingDir: here,
    outdir: outdir ?? `${here}dist`,
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['react'],
  })
  const { outputs } = metafile
  /** An output and all its static imports, transitively. */
  const closure = (path: string, seen = new Set<string>()): Set<string> => {
    if (!seen.has(path)) {
      seen.add(path)
      for (const { path: next, kind } of outputs[path]?.imports ?? []) {
        if (kind === 'import-statement' && outputs[next]) closure(next, seen)
      }
    }
    return seen
  }
  const filesOf = (entry: string) => {
    const path = Object.keys(outputs).find((path) => outputs[path]?.entryPoint === `${entry}.ts`)
    if (!path) throw new Error(`esbuild made nothing of ${entry}.ts`)
    return closure(path)
  }
  const textOf = (path: string) => {
    const name = path.split('/').at(-1) ?? path
    return outputFiles.find((file) => file.path.endsWith(`/${name}`))?.contents ?? new Uint8Array()
  }

  const core = filesOf('index')
  const sizes: Record<string, Sizes> = { core: sizesOf([...core].map(textOf)) }
  for (const entry of ['upload', 'store', 'react', 'webhooks', 'media-types']) {
    sizes[entry] = sizesOf([...filesOf(entry)].filter((path) => !core.has(path)).map(textOf))
  }
  if (outdir) {
    const { mkdir, writeFile } = await import('node:fs/promises')
    await mkdir(outdir, { recursive: true })
    for (const file of outputFiles) await writeFile(file.path, file.contents)
  }
  return sizes
}

function sizesOf(parts: Uint8Array[]): Sizes {
  const sum = (numbers: number[]) => numbers.reduce((total, n) => total + n, 0)
  return {
    min: sum(parts.map((part) => part.byteLength)),
    gzip: sum(parts.map((part) => gzipSync(part, { level: 9 }).byteLength)),
  }
}

if (import.meta.main) {
  const sizes = await measure(process.argv[2])
  for (const [name, { min, gzip }] of Object.entries(sizes)) {
    console.log(`${name.padEnd(9)} ${String(min).padStart(6)} B min ${String(gzip).padStart(6)} B gzip`)
  }
  const { gzip = 0 } = sizes.core ?? {}
  if (gzip > coreLimit) {
    console.error(`The core is ${gzip - coreLimit} B above its limit of ${coreLimit} B gzip.`)
    process.exitCode = 1
  }
}
