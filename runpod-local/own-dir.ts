/** Gives each process a directory below a shared one, so that no process removes the files of another. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Creates a directory below `shared`; removes those of processes that have ended, and nothing else. */
export async function ownDir(shared: string): Promise<string> {
  await mkdir(shared, { recursive: true })
  for (const name of await readdir(shared)) {
    const pid = /^run-(\d+)-\w{6}$/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(shared, name), { recursive: true, force: true })
  }
  return mkdtemp(join(shared, `run-${process.pid}-`))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Any error except "no such process" means that the process exists and belongs to another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}
