/** `node runpod-local/main.ts [--port 8788] [--dir DIR]`: a RunPod-compatible endpoint on this computer. */
import { readOptions } from './options.ts'
import { startRunpodLocal } from './start.ts'

async function main(): Promise<void> {
  const starting = startRunpodLocal(readOptions(process.argv.slice(2), process.env))
  let stopping = false
  const stop = () => {
    // A second signal skips the graceful shutdown.
    if (stopping) process.exit(1)
    stopping = true
    starting
      .then((local) => local.close())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      )
  }
  // Before the first await, so that a signal while the port is being opened still removes the directory.
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  await starting
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
