import { expect, it } from 'vitest'
import { readOptions } from '../../runpod-local/options.ts'
import { startRunpodLocal } from '../../runpod-local/start.ts'
import { temporaryDir } from '../support/node/runpod-local/local.ts'

it('takes flags before variables, and leaves everything else to its default', () => {
  expect(readOptions([], {})).toEqual({ worker: 'video' })
  const env = { RUNPOD_LOCAL_PORT: '1', RUNPOD_LOCAL_DIR: '/from-env', RUNPOD_LOCAL_API_KEY: '' }
  expect(readOptions(['--port', '0'], env)).toEqual({ worker: 'video', port: 0, dir: '/from-env' })
})

it('takes inputs by URL from this computer only when that is on', () => {
  expect(readOptions([], { RUNPOD_LOCAL_LOOPBACK_INPUTS: 'off' }).external).toBeUndefined()
  expect(readOptions([], { RUNPOD_LOCAL_LOOPBACK_INPUTS: 'on' }).external).toMatchObject({
    allowLoopback: true,
  })
})

it.each([
  [['--port', 'many'], {}, '--port must be a whole number'],
  [[], { RUNPOD_LOCAL_WORKER: 'gpu' }, 'RUNPOD_LOCAL_WORKER'],
])('refuses %j %j with a sentence', (args, env, sentence) => {
  expect(() => readOptions(args, env)).toThrow(sentence)
})

it('refuses a fault that it does not know, by its name', async () => {
  const options = readOptions([], { RUNPOD_LOCAL_WORKER: 'noop', RUNPOD_LOCAL_FAULTS: '{"typo":1}' })
  await expect(startRunpodLocal({ ...options, port: 0, dir: await temporaryDir() })).rejects.toThrow('typo')
})
