/**
 * Puts a build into the folder that is served. What is there already is left alone, so that a build that changes
 * nothing writes nothing: services that share the folder neither notice it nor load themselves anew.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'

/** Contents by path within the folder, in the order in which they are to appear. */
export type Files = Map<string, Uint8Array>

/** Makes `folder` hold exactly `files`. No reader ever sees half a file, or a page that names one not yet there. */
export async function publish(folder: string, files: Files): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, bytes] of files) {
    const path = join(folder, name)
    const old = await readFile(path).catch(() => null)
    if (old?.equals(bytes)) continue
    await mkdir(dirname(path), { recursive: true })
    // Written outside of the folder, so that nobody who watches it sees a file come and go.
    const next = `${folder}-${process.pid}.tmp`
    await writeFile(next, bytes)
    await rename(next, path)
  }
  for (const name of await namesUnder(folder)) {
    if (!files.has(name)) await rm(join(folder, name), { force: true })
  }
}

/** Every file of a folder with its content. */
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
