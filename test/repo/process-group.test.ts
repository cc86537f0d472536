import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ProcessGroup } from '../../scripts/process-group.ts'
import { eventually } from '../support/eventually.ts'

test('What a member of a group writes after its leader has ended stands in the log', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'group-'))
  const logFile = join(dir, 'log')
  const group = new ProcessGroup({
    command: 'sh',
    args: ['-c', 'mkfifo pipe; cat pipe & exit 3'],
    env: {},
    cwd: dir,
    logFile,
  })
  try {
    expect(await group.exited).toBe(3)
    await writeFile(join(dir, 'pipe'), 'the last words')
    await eventually(async () => (await readFile(logFile, 'utf8')) === 'the last words')
  } finally {
    await group.stop()
    await rm(dir, { recursive: true })
  }
})
