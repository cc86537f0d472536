/** What a test or a program starts ends with it, whatever fails or comes first. Run by `npm run test:crash`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { groupMembers } from '../../scripts/process-group.ts'
import { ROOT } from '../../scripts/wrangler.ts'
import { eventually } from '../support/eventually.ts'
import { startStack } from '../support/node/started-stack.ts'

it('a service whose setup fails while it starts is ended, with all that it wrote', async () => {
  let written = ''
  const setup = async (dir: string) => {
    written = dir
    throw new Error('no clip')
  }
  await expect(startStack('failing', {}, setup)).rejects.toThrow('no clip')
  // A process that was started later would write its log there.
  await pause(3_000)
  expect(existsSync(written)).toBe(false)
})

it.each(['SIGINT', 'SIGTERM'] as const)(
  'a program that gets %s while it starts a service ends it',
  async (signal) => {
    const stateDir = await mkdtemp(join(tmpdir(), 'exportal-signal-'))
    const program = `
    import { freePort, Stack } from './scripts/stack.ts'
    import { whileRunning } from './scripts/while-running.ts'
    const ports = { servicePort: await freePort(0), runpodPort: await freePort(0) }
    await whileRunning(new Stack({ stateDir: ${JSON.stringify(stateDir)}, ...ports }), async () => {})`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { cwd: ROOT })
    const ended = once(child, 'exit')
    const groups = () => groupsIn(join(stateDir, 'processes.json'))
    await eventually(() => groups().length === 2)
    const started = groups()
    child.kill(signal)
    expect(await ended).toEqual([130, null])
    expect(started.flatMap(groupMembers)).toEqual([])
    await rm(stateDir, { recursive: true, force: true })
  },
)

function groupsIn(file: string): number[] {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).groups : []
}
