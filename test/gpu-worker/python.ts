/** The installed Python, and whether the requirements of the GPU worker are installed. */
import { execFileSync, spawnSync } from 'node:child_process'

export const HERE = import.meta.dirname

/** Null, with a warning, if none is new enough. */
export const python: string | null = findPython()
if (python === null) {
  console.warn('NO PYTHON 3.10 OR LATER WAS FOUND: the tests of gpu-worker/ are SKIPPED')
}

/** Without that library the worker posts each report. */
export const hasLine = python !== null && spawnSync(python, ['-c', 'import websockets.sync']).status === 0
if (!hasLine) console.warn('NO websockets FOR PYTHON: the tests of the GPU worker’s line are SKIPPED')

export const hasFfmpeg = ['ffmpeg', 'ffprobe'].every((name) => spawnSync(name, ['-version']).status === 0)
if (!hasFfmpeg)
  console.warn('NO FFMPEG AND FFPROBE ON PATH: the GPU worker renders nothing, those tests are SKIPPED')

function findPython(): string | null {
  const script = 'import sys; sys.exit(sys.version_info < (3, 10))'
  return spawnSync('python3', ['-c', script]).status === 0 ? 'python3' : null
}

/** Runs a script of this folder with `input` and returns its standard output. */
export function runPython(script: string, input: string): string {
  const options = { cwd: HERE, input, encoding: 'utf8', maxBuffer: 2 ** 29 } as const
  return execFileSync(python ?? 'python3', ['-B', script], options)
}
