/**
 * Answers all outgoing requests of a Worker under test: a RunPod that accepts every job at once and runs none. Its own
 * port lists the requested runs: `GET /runs` returns and clears them.
 */
interface Run {
  input: { job_id: string }
}

const runs: Run[] = []
let nth = 0

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/runs') return Response.json(runs.splice(0))
    if (pathname.endsWith('/run')) {
      runs.push(await request.json())
      return Response.json({ id: `bench-${++nth}-u1`, status: 'IN_QUEUE' })
    }
    if (pathname.endsWith('/health')) {
      const workers = { idle: 0, running: 1, throttled: 0, initializing: 0 }
      return Response.json({ jobs: { inQueue: 0 }, workers })
    }
    const id = pathname.split('/').at(-1)
    const status = pathname.includes('/cancel/') ? 'CANCELLED' : 'IN_PROGRESS'
    return Response.json({ id, status })
  },
}
