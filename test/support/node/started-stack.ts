/** The whole service with its runpod-local, with its own state, for the duration of a test file or a program. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, Stack, type StackOptions } from '../../../scripts/stack.ts'

export interface StartedStack {
  readonly stack: Stack
  /** Removed with the stack. */
  readonly dir: string
  stop(): Promise<void>
}

/** `name` distinguishes its folder from others; `meanwhile` runs during its start. */
export async function startStack(
  name: string,
  options: Pick<StackOptions, 'vars' | 'places' | 'runpodEnv'> = {},
  meanwhile: (dir: string) => Promise<void> = async () => {},
): Promise<StartedStack> {
  const dir = await mkdtemp(join(tmpdir(), `exportal-${name}-`))
  const stack = new Stack({
    stateDir: join(dir, 'state'),
    servicePort: await freePort(0),
    runpodPort: await freePort(0),
    ...options,
  })
  const stop = async () => {
    await stack.stop()
    await rm(dir, { recursive: true, force: true })
  }
  const starting = stack.start()
  try {
    await Promise.all([starting, meanwhile(dir)])
  } catch (error) {
    // What is stopped before it was started would be started afterwards.
    await starting.catch(() => {})
    await stop()
    throw error
  }
  return { stack, dir, stop }
}
