/**
 * The installed client: packed, installed into empty projects, and used there with the real service, one export from
 * the file to its end in each. `npm run test:package`.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, transform } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeClip } from '../../scripts/clip.ts'
import { ProcessGroup } from '../../scripts/process-group.ts'
import { freePort, untilAnswers } from '../../scripts/stack.ts'
import { ROOT, WRANGLER, WRANGLER_QUIET } from '../../scripts/wrangler.ts'
import { chromiumPath, launch } from '../support/browser/browser.ts'
import { ffmpeg } from '../support/node/media.ts'
import { run } from '../support/node/run.ts'
import { type StartedStack, startStack } from '../support/node/started-stack.ts'
import { nodeOf, Packed, toolOf } from './project.ts'
import { SAID, STORY } from './story.ts'

const NODES = await Promise.all([20, 24].map(async (major) => ({ major, path: await nodeOf(major) })))
for (const { major, path } of NODES)
  if (!path) console.warn(`\n!!! SKIPPED: Node ${major}, which is not on the PATH.\n`)

/** For Node: reads the clip of its arguments, and prints its results. */
const IN_NODE = `import { openAsBlob } from 'node:fs'
import { exportOne } from './story.js'
const [clip, baseUrl, token, ws] = process.argv.slice(2)
const options = ws ? { baseUrl, token, WebSocket: (await import(ws)).WebSocket } : { baseUrl, token }
console.log(await exportOne(await openAsBlob(clip), options))
`
const IN_A_WORKER = `import { exportOne } from './story.ts'
export default {
  async fetch(request: Request, { BASE_URL: baseUrl, TOKEN: token }: { BASE_URL: string; TOKEN: string }) {
    if (request.method === 'GET') return new Response('ready')
    return new Response(await exportOne(await request.blob(), { baseUrl, token }))
  },
}
`

describe.skipIf(!ffmpeg)('the installed client', () => {
  let packed: Packed
  let service: StartedStack
  let clip = ''
  let token = ''
  let story = ''

  beforeAll(async () => {
    const made = async (dir: string) => {
      clip = join(dir, 'clip.mp4')
      await makeClip(clip, 2)
    }
    ;[packed, service, { code: story }, token] = await Promise.all([
      Packed.pack(),
      startStack('package', {}, made),
      transform(STORY, { loader: 'ts' }),
      run(
        process.execPath,
        ['scripts/token.ts', '--development', '--scope', 'jobs:read jobs:write videos:write'],
        ROOT,
      ),
    ])
  })

  afterAll(async () => {
    await Promise.all([service?.stop(), packed?.remove()])
  })

  describe('in Node', () => {
    let dir = ''

    beforeAll(async () => {
      dir = await packed.project('node', { 'story.js': story, 'main.js': IN_NODE })
    })

    const withAndWithout = NODES.flatMap((node) => [
      { ...node, line: 'the lines that it has', more: [] },
      { ...node, line: 'a WebSocket that it is given', more: [toolOf('ws/wrapper.mjs')] },
    ])
    for (const { major, path, line, more } of withAndWithout) {
      it.skipIf(!path)(`${major} exports, by ${line}`, async () => {
        const args = ['main.js', clip, service.stack.url, token, ...more]
        expect(await run(path ?? '', args, dir)).toBe(SAID)
      })
    }
  })

  it.each(['bundler', 'node16'])('is typed under strict, with %s resolution', async (moduleResolution) => {
    const module = moduleResolution === 'bundler' ? 'preserve' : 'node16'
    const common = {
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      target: 'es2022',
      module,
      moduleResolution,
    }
    const config = {
      compilerOptions: { ...common, lib: ['es2022', 'dom', 'dom.iterable'], types: [], outDir: 'out' },
      files: ['story.ts', 'wrong.ts'],
    }
    const wrong = `import { createExports } from 'exportal-client'
const { jobs } = createExports({ baseUrl: 'http://localhost' })
// @ts-expect-error there is no such type
void jobs.create({ project_id: 1, type: 'rotate', input_video_key: 'a', params: {} })
// @ts-expect-error there is no such field
void jobs.get('a').then(({ outputs }) => outputs)
`
    const files = {
      'story.ts': STORY,
      'wrong.ts': wrong,
      'tsconfig.json': JSON.stringify(config),
      'main.js': IN_NODE,
    }
    const dir = await packed.project(moduleResolution, files)
    await run(process.execPath, [toolOf('typescript/bin/tsc')], dir)
    await writeFile(join(dir, 'story.js'), await readFile(join(dir, 'out/story.js')))
    expect(await run(process.execPath, ['main.js', clip, service.stack.url, token], dir)).toBe(SAID)
  })

  it.skipIf(chromiumPath() === null)('exports in a browser, bundled by esbuild', async () => {
    const main = `import { exportOne } from './story.ts'\nObject.assign(globalThis, { exportOne })\n`
    const dir = await packed.project('browser', { 'story.ts': STORY, 'main.ts': main })
    const { outputFiles } = await build({
      entryPoints: [join(dir, 'main.ts')],
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'iife',
    })
    const browser = await launch()
    try {
      const page = await browser.newPage()
      await page.goto(`${service.stack.url}/health`)
      await page.evaluate(outputFiles[0]?.text ?? '')
      const bytes = (await readFile(clip)).toString('base64')
      const call = `fetch('data:video/mp4;base64,${bytes}').then((r) => r.blob()).then((file) =>
        exportOne(file, { baseUrl: ${JSON.stringify(service.stack.url)}, token: ${JSON.stringify(token)} }))`
      expect(await page.evaluate(call)).toBe(SAID)
    } finally {
      await browser.close()
    }
  })

  it('exports in a Worker', async () => {
    const port = await freePort(0)
    const config = `name = "caller"\nmain = "worker.ts"\ncompatibility_date = "2026-11-01"\nsend_metrics = false\n`
    const dir = await packed.project('worker', {
      'story.ts': STORY,
      'worker.ts': IN_A_WORKER,
      'wrangler.toml': config,
    })
    const args = [
      WRANGLER,
      'dev',
      '--port',
      String(port),
      '--ip',
      '127.0.0.1',
      '--inspector-port',
      '0',
      '--log-level',
      'warn',
    ]
    args.push(
      '--show-interactive-dev-session=false',
      '--var',
      `BASE_URL:${service.stack.url}`,
      '--var',
      `TOKEN:${token}`,
    )
    const logFile = join(packed.dir, 'worker.log')
    const worker = new ProcessGroup({
      command: process.execPath,
      args,
      env: WRANGLER_QUIET,
      cwd: dir,
      logFile,
    })
    try {
      const url = `http://localhost:${port}`
      await untilAnswers(url, worker)
      const answer = await fetch(url, { method: 'POST', body: await readFile(clip) })
      expect(await answer.text()).toBe(SAID)
    } finally {
      await worker.stop()
    }
  })
})
