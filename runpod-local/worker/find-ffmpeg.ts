/**
 * Selects the ffmpeg: `FFMPEG_PATH`, else the newer of those from npm and on PATH. Its ffprobe is `FFPROBE_PATH`, else
 * the one beside it, else the newer of those from npm and on PATH.
 */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { isObject } from '../job.ts'
import type { Shaper } from './text/characters.ts'

export interface Ffmpeg {
  path: string
  version: string
  source: 'FFMPEG_PATH' | '@ffmpeg-installer/ffmpeg' | 'PATH'
  probePath: string
  /** Required encoders, decoders and filters that it lacks. */
  missing: string[]
  /** The codecs that it decodes, by ffprobe's names. */
  decoders: ReadonlySet<string>
  /** Whether it supports `-fps_mode`, the successor of `-vsync`. */
  fpsMode: boolean
  /** Its text shaper: HarfBuzz or FriBidi of its libass, `none` without libass. */
  shaper: Shaper
}

const ENCODERS = ['libx264', 'aac', 'libvpx-vp9', 'libopus']
const FILTERS = [
  'ass',
  'drawtext',
  'color',
  'colorchannelmixer',
  'overlay',
  'movie',
  'crop',
  'scale',
  'pad',
  'fps',
  'transpose',
  'setparams',
  'sidedata',
  'pan',
  'loop',
  'setpts',
  'select',
  'interleave',
  'streamselect',
]
/** Required for some inputs only. */
const SOME_FILTERS = ['zscale', 'tonemap', 'premultiply', 'bwdif', 'join']

/** A static build that loads character converters of another C library crashes; none are needed here. */
export const CHILD_ENV = { ...process.env, GCONV_PATH: '/nonexistent' }

/**
 * Finds ffmpeg and reads its features. Null when there is none. Throws when `FFMPEG_PATH` or `FFPROBE_PATH` is set but
 * does not work: a silent fallback would hide the mistake.
 */
export async function findFfmpeg(
  env: Record<string, string | undefined> = process.env,
): Promise<Ffmpeg | null> {
  const chosen = programOf(env.FFMPEG_PATH)
  if (chosen) {
    const age = await ageOf(chosen, 'ffmpeg')
    if (age === null) throw new Error('FFMPEG_PATH is set, but what it names does not run')
    return describe({ path: chosen, age, source: 'FFMPEG_PATH' }, env)
  }
  const installed = installedPath('@ffmpeg-installer/ffmpeg')
  const found = await Promise.all([
    candidate(installed, 'ffmpeg', '@ffmpeg-installer/ffmpeg' as const),
    candidate('ffmpeg', 'ffmpeg', 'PATH' as const),
  ])
  const best = newest(found)
  return best === null ? null : describe(best, env)
}

/** Absolute unless it is a name for PATH: a relative path would be looked up in the directory of each job. */
function programOf(path: string | undefined): string | undefined {
  return path && basename(path) !== path ? resolve(path) : path
}

interface Candidate<Source> {
  path: string
  /** libavcodec's version as one number: it also increases between releases, where ffmpeg's own version is a commit. */
  age: number
  source: Source
}

async function candidate<S>(path: string | null, program: string, source: S): Promise<Candidate<S> | null> {
  const age = path === null ? null : await ageOf(path, program)
  return path === null || age === null ? null : { path, age, source }
}

function newest<S>(found: readonly (Candidate<S> | null)[]): Candidate<S> | null {
  return found.reduce((best, each) => (each !== null && each.age > (best?.age ?? -1) ? each : best), null)
}

/** The package throws on a platform without a binary, and is an optional dependency. */
function installedPath(name: string): string | null {
  try {
    const installer: unknown = createRequire(import.meta.url)(name)
    return isObject(installer) && typeof installer.path === 'string' ? installer.path : null
  } catch {
    return null
  }
}

/** Outputs of programs about themselves, cached since a program does not change while it is used. */
const answers = new Map<string, Promise<string>>()

function run(path: string, ...args: string[]): Promise<string> {
  const options = { timeout: 20_000, maxBuffer: 2 ** 24, env: CHILD_ENV }
  const ask = () => promisify(execFile)(path, ['-hide_banner', ...args], options).then(({ stdout }) => stdout)
  const key = [path, ...args].join(' ')
  const answer = answers.get(key) ?? ask()
  answers.set(key, answer)
  return answer
}

/** Null when `path` does not run, or is another program than `program`. */
async function ageOf(path: string, program: string): Promise<number | null> {
  const banner = await run(path, '-version').catch(() => '')
  if (!banner.startsWith(`${program} version`)) return null
  const [, major = 0, minor = 0] = /^libavcodec\s+(\d+)\.\s*(\d+)/m.exec(banner) ?? []
  return Number(major) * 1_000 + Number(minor)
}

async function describe(
  { path, age, source }: Candidate<Ffmpeg['source']>,
  env: Record<string, string | undefined>,
): Promise<Ffmpeg> {
  const [banner, encoders, filters, codecs, shaper, probePath] = await Promise.all([
    run(path, '-version'),
    run(path, '-encoders'),
    run(path, '-filters'),
    run(path, '-codecs'),
    shaperOf(path),
    findProbe(path, env),
  ])
  const lacks = (list: string) => (name: string) => !new RegExp(`^\\s*\\S+\\s+${name}\\s`, 'm').test(list)
  return {
    path,
    version: /^ffmpeg version (\S+)/m.exec(banner)?.[1] ?? 'unknown',
    source,
    probePath,
    missing: [...ENCODERS.filter(lacks(encoders)), ...[...FILTERS, ...SOME_FILTERS].filter(lacks(filters))],
    decoders: new Set([...codecs.matchAll(/^ D\S{5} (\w+)/gm)].map(([, name = '']) => name)),
    fpsMode: age >= 60_000,
    shaper,
  }
}

/** libass prints its shapers when it starts, before it fails to open the file, which does not exist. */
async function shaperOf(path: string): Promise<Shaper> {
  const source = ['-nostdin', '-v', 'info', '-f', 'lavfi', '-i', 'color=s=16x16:d=1']
  const said = await run(path, ...source, '-vf', 'ass=f=none', '-f', 'null', '-').catch(String)
  if (/no such filter/i.test(said)) return 'none'
  return /harfbuzz/i.test(said) ? 'harfbuzz' : 'fribidi'
}

async function findProbe(ffmpeg: string, env: Record<string, string | undefined>): Promise<string> {
  const chosen = programOf(env.FFPROBE_PATH)
  if (chosen) {
    if ((await ageOf(chosen, 'ffprobe')) !== null) return chosen
    throw new Error('FFPROBE_PATH is set, but what it names does not run')
  }
  const name = process.platform === 'win32' ? 'ffprobe.exe' : 'ffprobe'
  const beside = join(dirname(ffmpeg), name)
  if (dirname(ffmpeg) !== '.' && (await ageOf(beside, 'ffprobe')) !== null) return beside
  const found = newest(
    await Promise.all([
      candidate(installedPath('@ffprobe-installer/ffprobe'), 'ffprobe', null),
      candidate('ffprobe', 'ffprobe', null),
    ]),
  )
  // Without ffprobe each job fails with an error that explains it.
  return found?.path ?? 'ffprobe'
}
