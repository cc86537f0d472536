/** docs/from-other-languages.md as printed, with each program run against the real service. */
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeClip, probe } from '../../scripts/clip.ts'
import { ROOT } from '../../scripts/wrangler.ts'
import { ffmpeg } from '../support/node/media.ts'
import { run } from '../support/node/run.ts'
import { type StartedStack, startStack } from '../support/node/started-stack.ts'

const exec = promisify(execFile)

/** Each program, its requirement, and the command that checks it. */
const PROGRAMS: [string, string, string, string[]][] = [
  ['export.sh', 'bash', 'jq', ['jq', '--version']],
  ['export.py', 'python3', 'Python with requests', ['python3', '-c', 'import requests']],
]

describe.skipIf(!ffmpeg)('the programs of the page', () => {
  let service: StartedStack
  let token = ''
  let page = ''

  beforeAll(async () => {
    const made = (dir: string) => makeClip(join(dir, 'clip.mp4'), 2)
    const scopes = 'jobs:read jobs:write videos:write'
    ;[service, token, page] = await Promise.all([
      startStack('languages', {}, made),
      run(process.execPath, ['scripts/token.ts', '--development', '--scope', scopes], ROOT),
      readFile(join(ROOT, 'docs/from-other-languages.md'), 'utf8'),
    ])
  })

  afterAll(() => service?.stop())

  it.each(PROGRAMS)('%s exports a clip to its end', async (name, command, needs, [tool = '', ...args]) => {
    const there = await exec(tool, args).then(
      () => true,
      () => false,
    )
    if (!there) return console.warn(`\n!!! SKIPPED: ${name}, which needs ${needs}.\n`)
    const code =
      new RegExp(`^\`\`\`\\w+ (?:program )?${name}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(page)?.[1] ?? ''
    const dir = await mkdtemp(join(tmpdir(), 'exportal-language-'))
    try {
      await writeFile(join(dir, name), code)
      await copyFile(join(service.dir, 'clip.mp4'), join(dir, 'clip.mp4'))
      const env = { ...process.env, EXPORTAL: service.stack.url, TOKEN: token }
      const { stdout } = await exec(command, [name], { cwd: dir, env, timeout: 60_000 })
      expect(stdout).toContain('snapshot')
      expect(stdout).toContain('event')
      expect((await probe(join(dir, 'result.mp4'))).durationSeconds).toBeCloseTo(1, 0)
    } finally {
      await rm(dir, { recursive: true })
    }
  })
})
