import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'

/** A file on disk as the client takes it. */
export async function webFile(path: string): Promise<File> {
  return new File([await readFile(path)], basename(path), { type: 'video/mp4' })
}
