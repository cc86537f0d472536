/** Projects of users of the client, each empty except for the tarball of `npm pack`. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../../scripts/wrangler.ts'

const exec = promisify(execFile)

/** The executable of a tool in the repository, so that nothing else is installed. */
export const toolOf = (path: string): string => join(ROOT, 'node_modules', path)

export class Packed {
  readonly dir: string
  readonly tarball: string

  private constructor(dir: string, tarball: string) {
    this.dir = dir
    this.tarball = tarball
  }

  /** `npm pack ./client`, as documented. */
  static async pack(): Promise<Packed> {
    const dir = await mkdtemp(join(tmpdir(), 'exportal-package-'))
    await exec('npm', ['pack', './client', '--pack-destination', dir], { cwd: ROOT })
    const [tarball = ''] = await readdir(dir)
    return new Packed(dir, join(dir, tarball))
  }

  /** A folder with these files and the tarball installed, without other sources of packages. */
  async project(name: string, files: Record<string, string>): Promise<string> {
    const dir = join(this.dir, name)
    await mkdir(dir)
    const manifest = { name, private: true, type: 'module' }
    await writeFile(join(dir, 'package.json'), JSON.stringify(manifest))
    for (const [path, text] of Object.entries(files)) await writeFile(join(dir, path), text)
    await exec('npm', ['install', '--offline', '--no-audit', '--no-fund', this.tarball], { cwd: dir })
    return dir
  }

  remove(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true })
  }
}

/** A Node of this major version on this computer: this one, or one on the PATH; null if there is none. */
export async function nodeOf(major: number): Promise<string | null> {
  const places = (process.env.PATH ?? '').split(':').map((place) => join(place, 'node'))
  for (const path of [process.execPath, ...places]) {
    const version = await exec(path, ['--version']).then(
      ({ stdout }) => stdout,
      () => '',
    )
    if (version.startsWith(`v${major}.`)) return path
  }
  return null
}
