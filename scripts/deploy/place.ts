/** Runs `wrangler deploy`, and reads the deployed version from its output file. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readDeployment } from '../doctor/read.ts'
import { type Wrangler, WranglerError } from '../wrangler.ts'

export interface Placed {
  version: string
  /** Without a trailing slash. */
  url: string
  /** Whether the version has that URL as its PUBLIC_URL. */
  knowsUrl: boolean
}

/**
 * With PUBLIC_URL the address at workers.dev is disabled, since the rules of the zone do not apply there.
 *
 * @param publicUrl the one in wrangler.toml; null for workers.dev
 * @param assumed the PUBLIC_URL for a version at workers.dev; null while its address is unknown
 */
export async function place(
  wrangler: Wrangler,
  publicUrl: string | null,
  assumed: string | null,
): Promise<Placed> {
  const args = [
    'deploy',
    ...(publicUrl ? ['--domain', new URL(publicUrl).host] : []),
    ...(!publicUrl && assumed ? ['--var', `PUBLIC_URL:${assumed}`] : []),
  ]
  const { version, targets } = await deployTelling(wrangler, args)
  const url = publicUrl ? new URL(publicUrl).origin : targets.find((each) => each.endsWith('.workers.dev'))
  if (!url) throw new WranglerError('wrangler named no address at workers.dev.')
  return { version, url, knowsUrl: publicUrl !== null || url === assumed }
}

/** wrangler's output file has one JSON object per line. The secrets come from the environment's own file. */
async function deployTelling(
  wrangler: Wrangler,
  args: readonly string[],
): Promise<{ version: string; targets: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'exportal-deploy-'))
  const [output, secretsFile] = [join(folder, 'output.jsonl'), join(folder, 'secrets.json')]
  try {
    // An empty line of the file is not uploaded: it would overwrite an existing secret.
    const { secrets } = readDeployment(wrangler.environment, wrangler.root)
    const filled = Object.entries(secrets).filter(([, value]) => value !== '')
    writeFileSync(secretsFile, JSON.stringify(Object.fromEntries(filled)), { mode: 0o600 })
    const more = filled.length > 0 ? ['--secrets-file', secretsFile] : []
    await wrangler.run([...args, ...more], { WRANGLER_OUTPUT_FILE_PATH: output })
    const lines = readFileSync(output, 'utf8').trim().split('\n')
    const deployed = lines.map((line) => JSON.parse(line)).find(({ type }) => type === 'deploy')
    if (!deployed?.version_id) throw new WranglerError('wrangler did not say which version it deployed.')
    return { version: deployed.version_id, targets: deployed.targets ?? [] }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
