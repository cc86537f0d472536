/**
 * Writes a build into the served directory. Unchanged files are not touched, so that a build without changes writes
 * nothing, and services that share the directory do not reload.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'

/** Contents by path within the directory, in the order in which they are to appear. */
export type Files = Map<string, Uint8Array>

/** Makes `folder` contain exactly `files`. Readers never see a partial file, or a page that names a missing one. */
export async function publish(folder: string, files: Files): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, bytes] of files) {
    const path = join(folder, name)
    const old = await readFile(path).catch(() => null)
    if (old?.equals(bytes)) continue
    await mkdir(dirname(path), { recursive: true })
    // Written outside the directory, so that watchers of it see no temporary files.
    const next = `${folder}-${process.pid}.tmp`
    await writeFile(next, bytes)
    await rename(next, path)
  }
  for (const name of await namesUnder(folder)) {
    if (!files.has(name)) await rm(join(folder, name), { force: true })
  }
}

/** Every file of a directory with its content. */
export async function filesUnder(folder: string): Promise<Files> {
  const files: Files = new Map()
  for (const name of await namesUnder(folder)) files.set(name, await readFile(join(folder, name)))
  return files
}

async function namesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .sort()
}
