/** A copy of the repository to which one mutant at a time is applied. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Mutant } from './mutant.ts'

export const ROOT = resolve(import.meta.dirname, '../..')

/** Throws unless the search text occurs in the source exactly once. */
export function broken(source: string, { name, file, search, replace }: Mutant): string {
  const found = source.split(search).length - 1
  if (found !== 1) throw new Error(`"${name}": its text stands ${found} times in ${file}`)
  return source.replace(search, () => replace)
}

export class BrokenCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'exportal-mutants-'))

  /** Copies the files that git would commit, with the packages of this checkout. */
  constructor() {
    const args = ['ls-files', '-co', '--exclude-standard', '-z']
    const list = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' })
    for (const file of list.split('\0').filter(Boolean)) {
      mkdirSync(dirname(join(this.folder, file)), { recursive: true })
      cpSync(join(ROOT, file), join(this.folder, file))
    }
    for (const made of ['node_modules', 'web/dist']) symlinkSync(join(ROOT, made), join(this.folder, made))
  }

  /** Applies the mutant to the copy while `act` runs. */
  async with<T>(mutant: Mutant, act: (folder: string) => Promise<T>): Promise<T> {
    const path = join(this.folder, mutant.file)
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, broken(source, mutant))
    try {
      return await act(this.folder)
    } finally {
      writeFileSync(path, source)
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
