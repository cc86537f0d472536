/**
 * The peer: a typical first design, which works as long as nothing fails. Its status is the list's row in D1, written
 * by every report and read by every request. No attempt is fenced, nothing is replayed, no output is verified, nothing
 * is retried automatically: the cost of Exportal's further guarantees is not included.
 */
export { PlainJob } from './job.ts'

export interface PlainEnv {
  DB: D1Database
  VIDEOS: R2Bucket
  JOB: DurableObjectNamespace
  PUBLIC_URL: string
  AUTH_SECRET: string
  RUNPOD_ENDPOINT: string
  RUNPOD_API_KEY: string
}

const INSERT = `INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, metadata, max_attempts,
  request_hash, created_at, mirrored_at) VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6, 3, '', ?7, ?7)`

interface CreateBody {
  project_id: number
  type: string
  input_video_key: string
  params: Record<string, unknown>
  metadata: Record<string, unknown>
}

export default {
  async fetch(request: Request, env: PlainEnv): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const [, , , id = '', verb = ''] = pathname.split('/')
    if (pathname === '/api/jobs') {
      return request.method === 'POST' ? create(await request.json(), env) : list(searchParams, env)
    }
    if (request.method === 'PUT') {
      await env.VIDEOS.put(`output/${verb}`, request.body)
      return new Response(null)
    }
    if (verb !== '') return env.JOB.get(env.JOB.idFromName(id)).fetch(request)
    const row = await env.DB.prepare('SELECT * FROM export_jobs WHERE id = ?').bind(id).first()
    return row ? Response.json(row) : Response.json({ error: 'not found' }, { status: 404 })
  },
}

async function create(body: CreateBody, env: PlainEnv): Promise<Response> {
  const id = crypto.randomUUID()
  const { project_id, type, input_video_key, params, metadata } = body
  await env.DB.prepare(INSERT)
    .bind(id, project_id, type, input_video_key, JSON.stringify(params), JSON.stringify(metadata), Date.now())
    .run()
  const state = { id, status: 'pending', progress: 0, attempt: 0, request: body }
  await env.JOB.get(env.JOB.idFromName(id)).fetch('https://job/create', {
    method: 'POST',
    body: JSON.stringify(state),
  })
  return Response.json({ job_id: id, status: 'pending', job: state }, { status: 201 })
}

async function list(query: URLSearchParams, env: PlainEnv): Promise<Response> {
  const filters = ['project_id', 'status', 'type'].filter((name) => query.has(name))
  const where = filters.length > 0 ? `WHERE ${filters.map((name) => `${name} = ?`).join(' AND ')}` : ''
  const { results } = await env.DB.prepare(
    `SELECT * FROM export_jobs ${where} ORDER BY created_at DESC LIMIT ${Number(query.get('limit') ?? 20)}`,
  )
    .bind(...filters.map((name) => query.get(name)))
    .all()
  return Response.json({ jobs: results })
}
