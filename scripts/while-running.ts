import type { Stack } from './stack.ts'

/**
 * Starts a stack, and ends it after `work`, whatever happens. Its processes are groups of their own, which the Ctrl-C of
 * a terminal does not reach, so signals end it too, also while it starts.
 */
export async function whileRunning(stack: Stack, work: () => Promise<void>): Promise<void> {
  let stopping: Promise<void> | null = null
  const stop = () => {
    stopping ??= stack.stop()
    return stopping
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void stop().then(() => process.exit(130)))
  process.on('uncaughtException', (error) => {
    console.error(error)
    void stop().then(() => process.exit(1))
  })
  try {
    await stack.start()
    await work()
  } finally {
    await stop()
  }
}
