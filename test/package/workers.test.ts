/** docs/workers.md as printed: its Worker and the service in one `wrangler dev`, one calling the other by RPC. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { migrateLocal } from '../../scripts/migrate-local.ts'
import { ProcessGroup } from '../../scripts/process-group.ts'
import { freePort, untilAnswers } from '../../scripts/stack.ts'
import { ROOT, WRANGLER, WRANGLER_QUIET } from '../../scripts/wrangler.ts'
import type { CreatedJob, JobJson, JobPage } from '../../wire/job.ts'
import { run } from '../support/node/run.ts'
import { Packed, toolOf } from './project.ts'

/** In addition to those of the page: another project, no props, and the service by HTTP. */
const MORE_BINDINGS = `
[[services]]
binding = "EIGHT"
service = "exportal"
entrypoint = "Exports"
props = { project_id = 8, scopes = ["jobs:read", "jobs:write"] }

[[services]]
binding = "NO_PROPS"
service = "exportal"
entrypoint = "Exports"

[[services]]
binding = "HTTP"
service = "exportal"
`
const MORE_ROUTES = `import shop from './worker.ts'
export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url)
    const [, door, rest = ''] = /^\\/(http|eight|none)(\\/.*)$/.exec(pathname) ?? []
    if (door === 'http') return env.HTTP.fetch(new Request('http://localhost' + rest + search, request))
    if (door) return Response.json(await (door === 'eight' ? env.EIGHT : env.NO_PROPS).get(rest.slice(1)))
    return shop.fetch(request, env)
  },
}
`
const TSCONFIG = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    module: 'preserve',
    lib: ['es2024'],
    types: [toolOf('@cloudflare/workers-types')],
  },
  files: ['worker.ts'],
}

let packed: Packed
let workers: ProcessGroup
let url = ''

beforeAll(async () => {
  packed = await Packed.pack()
  const page = await readFile(join(ROOT, 'docs/workers.md'), 'utf8')
  const files = Object.fromEntries(
    [...page.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```/gm)].map(([, name, text]) => [name, text]),
  )
  const shop = await packed.project('shop', {
    ...files,
    'tsconfig.json': JSON.stringify(TSCONFIG),
    'test.js': MORE_ROUTES,
    'test.toml': `${files['wrangler.toml']?.replace('worker.ts', 'test.js')}${MORE_BINDINGS}`,
  })
  await run(process.execPath, [toolOf('typescript/bin/tsc')], shop)

  const port = await freePort(0)
  url = `http://localhost:${port}`
  const state = join(packed.dir, 'state')
  await migrateLocal(state)
  const configs = ['-c', join(shop, 'test.toml'), '-c', await serviceConfig(packed.dir, url)]
  const quiet = ['--log-level', 'warn', '--show-interactive-dev-session=false', '--inspector-port', '0']
  const args = [
    WRANGLER,
    'dev',
    ...configs,
    '--port',
    String(port),
    '--ip',
    '127.0.0.1',
    '--persist-to',
    state,
    ...quiet,
  ]
  const logFile = join(packed.dir, 'workers.log')
  workers = new ProcessGroup({ command: process.execPath, args, env: WRANGLER_QUIET, cwd: shop, logFile })
  await untilAnswers(`${url}/http/health`, workers)
})

afterAll(async () => {
  await workers?.stop()
  await packed?.remove()
})

it('creates, watches, lists and cancels by RPC, with the answers of HTTP, and opens nothing else', async () => {
  const ask = async <T>(path: string, init: RequestInit = {}): Promise<T> =>
    (await fetch(url + path, init)).json() as Promise<T>
  const created = await ask<CreatedJob>('/exports/', {
    method: 'POST',
    body: JSON.stringify({ video: 'input/a/clip.mp4' }),
  })
  const id = created.job_id
  expect(created).toMatchObject({ status: 'pending', job: { project_id: 7, type: 'trim' } })

  const types: string[] = []
  const socket = new WebSocket(`${url.replace('http', 'ws')}/exports/${id}`)
  const closed = new Promise<number>((settle) => socket.once('close', settle))
  const first = new Promise<void>((settle) => {
    socket.on('message', (text) => {
      const { type, end } = JSON.parse(String(text))
      types.push(end ? `${type} end` : type)
      settle()
    })
  })
  await first

  expect(await ask(`/exports/${id}`)).toMatchObject({ ok: true, value: { id } })
  const listed = await ask<{ value: JobPage }>('/exports/')
  expect(listed.value).toEqual(await ask('/http/api/jobs?project_id=7'))
  expect(await ask(`/exports/${id}`, { method: 'DELETE' })).toMatchObject({ ok: true, value: { id } })
  expect(await closed).toBe(1000)
  expect([types[0], types.at(-1)]).toEqual(['snapshot', 'event end'])
  const byRpc = await ask<{ value: JobJson }>(`/exports/${id}`)
  expect(byRpc.value).toEqual(await ask(`/http/api/jobs/${id}`))
  expect(byRpc.value.status).toBe('cancelled')

  expect(await ask(`/eight/${id}`)).toMatchObject({ ok: false, status: 404, code: 'job_not_found' })
  expect(await ask(`/none/${id}`)).toMatchObject({ ok: false, status: 401, code: 'unauthorized' })
})

/** The service's own configuration for development, as with its `.dev.vars`. */
async function serviceConfig(dir: string, publicUrl: string): Promise<string> {
  const text = await readFile(join(ROOT, 'wrangler.toml'), 'utf8')
  const changed = text
    .replace(/^main = "/m, `main = "${ROOT}/`)
    .replace(/^directory = "/m, `directory = "${ROOT}/`)
    .replace(/^PUBLIC_URL = ""/m, `ENVIRONMENT = "development"\nPUBLIC_URL = "${publicUrl}"`)
    .replace(/^\[build\]\n(?:\w.*\n)+/m, '')
  const path = join(dir, 'service.toml')
  await writeFile(path, changed)
  return path
}
