/** A copy of the repository's configuration that is deployed by the real wrangler to a Cloudflare on loopback. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deploy } from '../../../scripts/deploy/deploy.ts'
import { PAUSE_MS } from '../../../scripts/deploy/served.ts'
import { ROOT, wranglerOf } from '../../../scripts/wrangler.ts'
import { Cloudflare } from './cloudflare.ts'

/** Real files of the copy, which a test may change; everything else is linked from the repository. */
const OWN = ['wrangler.toml', 'migrations']

export class Rehearsal implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'exportal-rehearsal-'))
  readonly cloudflare = new Cloudflare()
  /** The output of the last deployment. */
  printed = ''
  #now = 0

  /** @param migrations how many of the repository's migrations; all of them by default */
  static async open(migrations?: number): Promise<Rehearsal> {
    const rehearsal = new Rehearsal()
    const hidden = ['node_modules/.cache', '.git', '.exportal', '.wrangler', 'dist']
    for (const name of readdirSync(ROOT)) {
      if (OWN.includes(name) || hidden.includes(name) || name.startsWith('.dev.vars')) continue
      symlinkSync(join(ROOT, name), join(rehearsal.root, name))
    }
    copyFileSync(join(ROOT, 'wrangler.toml'), join(rehearsal.root, 'wrangler.toml'))
    mkdirSync(join(rehearsal.root, 'migrations'))
    rehearsal.migrate(migrations)
    await rehearsal.cloudflare.start()
    return rehearsal
  }

  /** Copies the first migrations of the repository, and returns their names. */
  migrate(count?: number): string[] {
    const files = readdirSync(join(ROOT, 'migrations')).sort().slice(0, count)
    for (const file of files)
      copyFileSync(join(ROOT, 'migrations', file), join(this.root, 'migrations', file))
    return files
  }

  /** Replaces the first `NAME = "…"`: at the top level, which is production. */
  setVar(name: string, value: string): void {
    const file = join(this.root, 'wrangler.toml')
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(new RegExp(`^${name} = ".*"$`, 'm'), `${name} = "${value}"`),
    )
  }

  setSecrets(text: string): void {
    writeFileSync(join(this.root, '.dev.vars.production'), text)
  }

  /** `npm run deploy` without an interactive terminal. @returns whether it reports that the new version is served */
  async deploy({ ci = false } = {}): Promise<boolean> {
    const lines: string[] = []
    const wrangler = wranglerOf('production', { root: this.root, env: this.cloudflare.env })
    const outside = {
      fetch: (url: string) => this.cloudflare.fetch(url),
      pause: async () => {
        this.#now += PAUSE_MS
      },
      now: () => this.#now,
    }
    const served = await deploy(
      { wrangler, outside, ci },
      { print: (line) => lines.push(line), agree: async () => true },
    )
    this.printed = lines.join('\n')
    return served
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cloudflare.stop()
    rmSync(this.root, { recursive: true })
  }
}
