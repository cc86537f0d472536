import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { clipArgs, ffmpeg, media } from '../support/node/media.ts'
import { eventually, temporaryDir } from '../support/node/runpod-local/local.ts'
import { fakeService } from '../support/node/runpod-local/service.ts'

const main = fileURLToPath(new URL('../../runpod-local/main.ts', import.meta.url))

/** Runs the command itself, as `npm start` does. */
function start(args: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env } })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  return {
    child,
    output: () => output,
    url: () =>
      eventually(() => {
        const port = /listening port=(\d+)/.exec(output)?.[1]
        if (port === undefined) throw new Error(`not listening: ${output}`)
        return `http://127.0.0.1:${port}`
      }),
  }
}

const exited = (child: ChildProcess): Promise<number | null> =>
  new Promise((done) => child.once('exit', (code) => done(code)))

it('starts by its environment, cleans up what an earlier run left, and nothing else', async () => {
  const dir = await temporaryDir()
  const over = start(['--nonsense'], {}).child
  await exited(over)
  await mkdir(join(dir, `run-${over.pid}-AbC123`))
  await writeFile(join(dir, `run-${over.pid}-AbC123`, 'input'), 'left over')
  await writeFile(join(dir, 'mine.txt'), 'not theirs')
  const { url } = start([], {
    RUNPOD_LOCAL_PORT: '0',
    RUNPOD_LOCAL_DIR: dir,
    RUNPOD_LOCAL_API_KEY: 'other-key',
    RUNPOD_LOCAL_WORKERS: '3',
    RUNPOD_LOCAL_WORKER: 'noop',
    RUNPOD_LOCAL_FAULTS: '{"hold_queue":true}',
  })
  const base = await url()
  const health = await fetch(`${base}/v2/x/health`, { headers: { authorization: 'Bearer other-key' } })
  expect(await health.json()).toMatchObject({ workers: { throttled: 3 } })
  expect(await readdir(dir)).toEqual(['mine.txt', expect.stringMatching(/^run-\d+-\w{6}$/)])
  expect((await readdir(dir)).join()).not.toContain(`run-${over.pid}-`)
})

it.skipIf(ffmpeg === null)('takes inputs by URL from this computer when that is on', async () => {
  const service = await fakeService()
  const { url } = start(['--port', '0', '--dir', await temporaryDir()], {
    RUNPOD_LOCAL_LOOPBACK_INPUTS: 'on',
  })
  const input = service.input('transcode', {}, { input_is_external: true })
  const headers = { authorization: 'Bearer local-key' }
  await fetch(`${await url()}/v2/x/run`, { method: 'POST', headers, body: JSON.stringify({ input }) })
  const told = () => expect(service.of('error')[0]?.body).toMatchObject({ code: 'input_not_found' })
  await eventually(told, 18_000)
  expect(service.of('error')[0]?.body.error).toContain('is not there (404)')
})

it('leaves alone what another one works on in the same directory, at its start and at its end', async () => {
  const dir = await temporaryDir()
  const env = { RUNPOD_LOCAL_PORT: '0', RUNPOD_LOCAL_DIR: dir, RUNPOD_LOCAL_WORKER: 'none' }
  await start([], env).url()
  const [first = ''] = await readdir(dir)
  await mkdir(join(dir, first, 'job-AbC123'))
  const second = start([], env)
  await second.url()
  expect(await readdir(dir)).toHaveLength(2)
  const exit = exited(second.child)
  second.child.kill('SIGTERM')
  expect(await exit).toBe(0)
  expect(await readdir(dir)).toEqual([first])
  expect(await readdir(join(dir, first))).toEqual(['job-AbC123'])
})

it('refuses an unknown flag with a sentence and exit code 1', async () => {
  const { child, output } = start(['--nonsense'], {})
  expect(await exited(child)).toBe(1)
  expect(output()).toContain('nonsense')
})

it.skipIf(ffmpeg === null)(
  'ends on SIGTERM with ffmpeg and all files gone, and no secret in its log',
  async () => {
    const dir = await temporaryDir()
    const service = await fakeService()
    const tools = await media()
    onTestFinished(() => tools.close())
    service.files.set('clip.mp4', await tools.make('long.mp4', ...clipArgs(30)))
    const { child, output, url } = start(['--port', '0', '--dir', dir], {})
    const base = await url()
    await fetch(`${base}/v2/x/run`, {
      method: 'POST',
      headers: { authorization: 'Bearer local-key' },
      body: JSON.stringify({
        input: service.input('transcode', { output: { width: 1920, quality: 'high' } }),
        webhook: `${service.url}/hook?sig=secret-hook`,
      }),
    })
    await eventually(() => expect(output()).toMatch(/ffmpeg\.started .*pid=\d+/))
    const pid = Number(/pid=(\d+)/.exec(output())?.[1])
    const exit = exited(child)
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(await readdir(dir)).toEqual([])
    expect(output()).toContain('closed')
    expect(output()).not.toContain('secret')
  },
)
