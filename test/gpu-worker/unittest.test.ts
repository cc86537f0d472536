import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { HERE, python } from './python.ts'

it.skipIf(python === null)('passes its own tests, without RunPod’s SDK', { timeout: 180_000 }, () => {
  const args = ['-B', '-W', 'error', '-m', 'unittest', 'discover', '-b', '-s', HERE]
  const { status, stderr } = spawnSync(python ?? '', args, { encoding: 'utf8', cwd: HERE })
  const ran = Number(/^Ran (\d+) tests/m.exec(stderr)?.[1] ?? 0)
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' })
  expect(ran).toBeGreaterThan(50)
  console.log(`gpu-worker: ${ran} Python tests passed`)
})
