/** What a test starts ends with it, also when another part of its setup fails first. Run by `npm run test:crash`. */
import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
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
