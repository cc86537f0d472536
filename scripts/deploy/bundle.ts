/** Builds the Worker, and enforces its size budget. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Wrangler } from '../wrangler.ts'

/** Gzipped, as Cloudflare measures it; a small Worker starts fast. */
const BUDGET_BYTES = 165 * 1024

/** @returns a sentence with its size @throws WranglerError, or an error when it exceeds the budget */
export async function buildWithinBudget(wrangler: Wrangler, folder: string): Promise<string> {
  await wrangler.run(['deploy', '--dry-run', '--outdir', folder])
  const modules = readdirSync(folder).filter((name) => /\.(js|wasm)$/.test(name))
  const bytes = modules.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name))).length, 0)
  if (bytes > BUDGET_BYTES) throw new Error(`The bundle is ${kib(bytes - BUDGET_BYTES)} over its budget.`)
  return `Bundle: ${kib(bytes)} gzip, of at most ${kib(BUDGET_BYTES)}.`
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`
}
