/** `npm start`: the service and runpod-local on this computer, until Ctrl-C. */
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { answers, Stack } from './stack.ts'
import { ROOT } from './wrangler.ts'

const stack = new Stack({ stateDir: `${ROOT}/.exportal`, servicePort: 8787, runpodPort: 8788 })

let stopping = false
async function stop(code: number): Promise<void> {
  if (stopping) return
  stopping = true
  console.log('\nStopping…')
  await stack.stop()
  process.exit(code)
}
process.on('SIGINT', () => void stop(0))
process.on('SIGTERM', () => void stop(0))

try {
  // It has no options: to ignore one, such as a port, would look like heeding it.
  parseArgs({ options: {} })
  // Processes left by an earlier, killed start are ended; any other process keeps its port.
  if (stack.usedByAnother) throw new Error('npm start is running already, in another window.')
  await stack.endLeftovers()
  for (const url of [`${stack.url}/health`, `${stack.runpodUrl}/jobs`]) {
    if (await answers(url)) throw new Error(`Something else answers on ${url}; stop it first.`)
  }
  console.log('Starting the service and runpod-local…')
  await stack.start()
  const short = (path: string) => relative(process.cwd(), path)
  console.log(`
  Open          ${stack.url}           drop a video there, and watch its export
  API           ${stack.url}/api       try: curl ${stack.url}/api/job-types
  RunPod local  ${stack.runpodUrl}/v2/local  jobs: ${stack.runpodUrl}/jobs
  State         ${short(stack.options.stateDir)}
  Logs          ${short(stack.serviceLog)}, ${short(stack.runpodLog)}

  A first export, in another window: npm run demo
  Ctrl-C ends all of it; accepted jobs go on with the next start.
`)
  const why = await stack.ended()
  if (!stopping) {
    console.error(why)
    await stop(1)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  await stop(1)
}
