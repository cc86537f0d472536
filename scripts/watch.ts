/** `npm run watch -- JOB_ID [--after N] [--url http://localhost:8787]`: prints the messages of a job's WebSocket. */
import { parseArgs } from 'node:util'
import { createExports } from '../client/index.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: 'http://localhost:8787' },
    after: { type: 'string' },
    token: { type: 'string' },
  },
})
const [id] = positionals
if (!id) {
  console.error('Usage: npm run watch -- JOB_ID [--after N] [--url URL] [--token TOKEN]')
  process.exit(2)
}

const client = createExports({ baseUrl: values.url, ...(values.token && { token: values.token }) })
try {
  const watching = client.jobs.watch(id, {
    ...(values.after && { after: Number(values.after) }),
    onState: (state) => console.log(`-- ${JSON.stringify(state)}`),
  })
  for await (const update of watching) console.log(JSON.stringify(update))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
