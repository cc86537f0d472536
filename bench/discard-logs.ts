/**
 * Log lines of the Workers under test go nowhere. Miniflare reads them from a pipe, parses each and hands it on, in the
 * very process that makes the load: a Worker that logs would be charged for that, and one that does not would not.
 */
import { chmod, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** From now on this process starts workerd with its standard output closed off; where there is no shell, as it is. */
export async function discardLogs(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  const { default: workerd }: { default: string } = createRequire(import.meta.resolve('miniflare'))('workerd')
  const script = join(dir, 'workerd')
  await writeFile(script, `#!/bin/sh\nexec '${workerd}' "$@" > /dev/null\n`)
  await chmod(script, 0o755)
  process.env.MINIFLARE_WORKERD_PATH = script
}
