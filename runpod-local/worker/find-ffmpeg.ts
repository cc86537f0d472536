/** Which ffmpeg to use: `FFMPEG_PATH`, else the one from npm, else the one on PATH. */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { isObject } from '../job.ts'

export interface Ffmpeg {
  path: string
  version: string
  source: 'FFMPEG_PATH' | '@ffmpeg-installer/ffmpeg' | 'PATH'
  /** Encoders and filters it should have and has not. */
  missing: string[]
}

const ENCODERS = ['libx264', 'aac', 'libvpx-vp9', 'libopus']
const FILTERS = ['drawtext', 'overlay', 'crop', 'scale', 'pad', 'fps']

/**
 * Finds ffmpeg and asks it what it can. Null when there is none. Throws when `FFMPEG_PATH` is set and does not
 * work: falling back silently would hide the mistake.
 */
export async function findFfmpeg(
  env: Record<string, string | undefined> = process.env,
): Promise<Ffmpeg | null> {
  const chosen = env.FFMPEG_PATH
  if (chosen) {
    const found = await ask(chosen, 'FFMPEG_PATH')
    if (found === null) throw new Error('FFMPEG_PATH is set, but what it names does not run')
    return found
  }
  const installed = installedPath()
  const fromNpm = installed === null ? null : await ask(installed, '@ffmpeg-installer/ffmpeg')
  return fromNpm ?? ask('ffmpeg', 'PATH')
}

/** The package throws on a platform it has no binary for, and may be left out altogether. */
function installedPath(): string | null {
  try {
    const installer: unknown = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg')
    return isObject(installer) && typeof installer.path === 'string' ? installer.path : null
  } catch {
    return null
  }
}

async function ask(path: string, source: Ffmpeg['source']): Promise<Ffmpeg | null> {
  const run = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(path, ['-hide_banner', ...args], { timeout: 20_000 })
    return stdout
  }
  try {
    const version = /^ffmpeg version (\S+)/m.exec(await run('-version'))?.[1] ?? 'unknown'
    const [encoders, filters] = await Promise.all([run('-encoders'), run('-filters')])
    const lacks = (list: string) => (name: string) => !new RegExp(`^\\s*\\S+\\s+${name}\\s`, 'm').test(list)
    const missing = [...ENCODERS.filter(lacks(encoders)), ...FILTERS.filter(lacks(filters))]
    return { path, version, source, missing }
  } catch {
    return null
  }
}
