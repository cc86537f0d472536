/**
 * Migrates the D1 database of a state directory. wrangler takes seconds for it, since it starts and stops a runtime, so
 * it is called only when necessary: a new database is copied from one that was migrated before, and a file beside each
 * database records its migrations.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT, WRANGLER, WRANGLER_QUIET } from './wrangler.ts'

const TEMPLATES = join(ROOT, 'node_modules/.cache/exportal-d1')
/** Where wrangler stores the local databases, below a state directory. */
const DATABASES = 'v3/d1'
const NOTE = 'migrated'

/** @throws with wrangler's output when a migration fails; the next call continues with it */
export async function migrateLocal(stateDir: string): Promise<void> {
  const wanted = await fingerprint()
  const databases = join(stateDir, DATABASES)
  const found = await readdir(databases).catch(() => [])
  if (found.length === 0) await cp(await template(wanted), databases, { recursive: true })
  else if ((await noteOf(databases)) !== wanted) await apply(stateDir, wanted)
}

/** The directory of a migrated, empty database; created once. */
async function template(wanted: string): Promise<string> {
  const path = join(TEMPLATES, wanted)
  if ((await noteOf(path)) === wanted) return path
  await mkdir(TEMPLATES, { recursive: true })
  const stateDir = await mkdtemp(join(TEMPLATES, 'new-'))
  try {
    await apply(stateDir, wanted)
    // Another process may have created the same one meanwhile.
    await rename(join(stateDir, DATABASES), path).catch(async (error) => {
      if ((await noteOf(path)) !== wanted) throw error
    })
  } finally {
    await rm(stateDir, { recursive: true, force: true })
  }
  return path
}

async function apply(stateDir: string, wanted: string): Promise<void> {
  const args = [WRANGLER, 'd1', 'migrations', 'apply', 'DB', '--local', '--persist-to', stateDir]
  await promisify(execFile)(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...WRANGLER_QUIET, CI: '1' },
  })
  await writeFile(join(stateDir, DATABASES, NOTE), wanted)
}

const noteOf = (databases: string): Promise<string | null> =>
  readFile(join(databases, NOTE), 'utf8').catch(() => null)

/** Identifies a migrated database: by the migrations, its name, and the version of wrangler. */
async function fingerprint(): Promise<string> {
  const migrations = (await readdir(join(ROOT, 'migrations'))).sort().map((name) => `migrations/${name}`)
  const hash = createHash('sha256')
  for (const path of [...migrations, 'wrangler.toml', 'node_modules/wrangler/package.json'])
    hash.update(path).update(await readFile(join(ROOT, path)))
  return hash.digest('hex').slice(0, 32)
}
