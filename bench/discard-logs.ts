/**
 * Discards the log lines of the Workers under test. Miniflare reads them from a pipe, parses and forwards each one, in
 * the process that generates the load, which would slow down only the Workers that log.
 */
import { chmod, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** From now on this process starts workerd with its standard output discarded; without a shell, unchanged. */
export async function discardLogs(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  const { default: workerd }: { default: string } = createRequire(import.meta.resolve('miniflare'))('workerd')
  const script = join(dir, 'workerd')
  await writeFile(script, `#!/bin/sh\nexec '${workerd}' "$@" > /dev/null\n`)
  await chmod(script, 0o755)
  process.env.MINIFLARE_WORKERD_PATH = script
}
