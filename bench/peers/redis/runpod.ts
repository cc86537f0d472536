/** The RunPod of `bench/workers/outside.ts` for a peer that is no Worker: accepts every job at once and runs none. */
import { createServer, type Server } from 'node:http'

export function instantRunpod(): Server {
  let runs: string[] = []
  let nth = 0
  return createServer(async (request, response) => {
    if (request.url === '/runs') {
      response.end(`[${runs.join()}]`)
      runs = []
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    runs.push(Buffer.concat(chunks).toString('utf8'))
    response.end(JSON.stringify({ id: `bench-${++nth}-u1`, status: 'IN_QUEUE' }))
  })
}
