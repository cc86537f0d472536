/** Builds the Workers under test as files: the service as `wrangler deploy` would upload it, the others by esbuild. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'

export interface Bundle {
  dir: string
  /** Files in `dir`; the first one has the default export. */
  modules: string[]
}

const ROOT = resolve(import.meta.dirname, '..')
const WRANGLER = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')

/** Builds what would be deployed, without uploading it. */
export async function bundleService(dir: string): Promise<Bundle> {
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CI: '1' }
  const args = [WRANGLER, 'deploy', '--dry-run', '--outdir', dir]
  await promisify(execFile)(process.execPath, args, { cwd: ROOT, env })
  return { dir, modules: [join(dir, 'index.js')] }
}

/**
 * Adds a module of the bench in front of the unchanged deployed bundle, to wrap its exports.
 *
 * @param wrapper a file of bench/workers that imports the service as `exportal`
 */
export async function wrapService(service: Bundle, wrapper: string): Promise<Bundle> {
  const entry = join(service.dir, `${wrapper}.js`)
  await bundleWith(join(import.meta.dirname, 'workers', `${wrapper}.ts`), entry, { exportal: './index.js' })
  return { dir: service.dir, modules: [entry, ...service.modules] }
}

/** @param source a path below bench/ */
export async function bundleWorker(source: string, dir: string): Promise<Bundle> {
  await mkdir(dir, { recursive: true })
  const file = join(dir, 'index.js')
  await bundleWith(join(import.meta.dirname, source), file, {})
  return { dir, modules: [file] }
}

async function bundleWith(source: string, file: string, elsewhere: Record<string, string>): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [source],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    external: ['cloudflare:*', 'node:*', ...Object.values(elsewhere)],
    alias: elsewhere,
  })
  await writeFile(file, outputFiles[0]?.text ?? '')
}
