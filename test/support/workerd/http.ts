/** Shared by the HTTP tests: the service from a client's view, and the same Worker with other settings. */
import { createExecutionContext, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { DEVELOPMENT_SECRET } from '../../../actors/shared/secrets.ts'
import { encodeKey, signedQuery } from '../../../actors/shared/signing.ts'
import type { Env } from '../../../src/env.ts'
import { handle } from '../../../src/router.ts'
import type { JobJson } from '../../../wire/job.ts'
import { certs } from './access.ts'
import { HOUR, T0 } from './clock.ts'
import { secretsOf, written } from './secret-scan.ts'

export const SECRET = DEVELOPMENT_SECRET
export const ORIGIN = 'http://localhost'

/** Only Date is faked; RunPod accepts every run, and the access log is kept out of the test's output. */
export function useHttpWorld(): { runs: RunBody[]; logs: string[] } {
  const world: { runs: RunBody[]; logs: string[] } = { runs: [], logs: [] }
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: T0 })
    const log = (line: unknown) => {
      written(line)
      world.logs.push(String(line))
    }
    vi.spyOn(console, 'log').mockImplementation(log)
    vi.spyOn(console, 'error').mockImplementation(log)
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      const url = String(input instanceof Request ? input.url : input)
      if (url.endsWith('/run')) {
        world.runs.push(JSON.parse(String(init?.body)))
        return Response.json({ id: `rp-${crypto.randomUUID()}-u1`, status: 'IN_QUEUE' })
      }
      if (url.endsWith('/cdn-cgi/access/certs')) return certs()
      if (url.endsWith('/health')) return Response.json({ workers: { idle: 1 }, jobs: { inQueue: 0 } })
      return Response.json({ id: 'rp', status: 'CANCELLED' })
    })
  })
  afterEach(() => {
    const bugs = world.logs.filter((line) => line.includes('"at":"bug"'))
    vi.useRealTimers()
    vi.restoreAllMocks()
    world.runs.length = 0
    world.logs.length = 0
    expect(bugs).toEqual([])
  })
  return world
}

export interface RunBody {
  webhook: string
  input: {
    job_id: string
    input_url: string
    output: { video_key: string; put_url: string; multipart_url: string; poster_put_url: string }
    callback_url: string
    line_url: string
    callback_token: string
  }
}

/** A request to the deployed Worker. `path` may be a whole URL. */
export function api(path: string, init: RequestInit = {}): Promise<Response> {
  const url = path.startsWith('http') ? path : `${ORIGIN}${path}`
  const request = new Request(url, init)
  secretsOf(request)
  return exports.default.fetch(request)
}

export function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return api(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** The same Worker with other variables or bindings. */
export function apiWith(over: Partial<Env>, path: string, init: RequestInit = {}): Promise<Response> {
  const url = path.startsWith('http') ? path : `${ORIGIN}${path}`
  const request = new Request(url, init)
  secretsOf(request)
  return handle(request, { ...bindings(), ...over }, createExecutionContext())
}

export function bindings(): Env {
  const {
    DB,
    VIDEOS,
    EXPORT_JOB,
    UPLOAD,
    LANE,
    ASSETS,
    ENVIRONMENT,
    PUBLIC_URL,
    RUNPOD_ENDPOINT,
    RUNPOD_API_KEY,
  } = env
  return {
    DB,
    VIDEOS,
    EXPORT_JOB,
    UPLOAD,
    LANE,
    ASSETS,
    ...(ENVIRONMENT && { ENVIRONMENT }),
    ...(PUBLIC_URL && { PUBLIC_URL }),
    ...(RUNPOD_ENDPOINT && { RUNPOD_ENDPOINT }),
    ...(RUNPOD_API_KEY && { RUNPOD_API_KEY }),
  }
}

/** Actors of which none is reached, as when the Worker is cut off before it has called one. */
export const WITHOUT_ACTORS = {
  EXPORT_JOB: {
    getByName: () => ({ create: async () => Promise.reject(new Error('The Worker was cut off.')) }),
  } as unknown as Env['EXPORT_JOB'],
}

export interface ProblemBody {
  type: string
  title: string
  status: number
  detail: string
  code: string
  request_id: string
  errors?: { pointer: string; detail: string }[]
}

/**
 * The problem in the answer to a refused request, after checking the fields that every problem must have (RFC 9457).
 */
export async function problemOf(response: Response, status: number, code?: string): Promise<ProblemBody> {
  const text = await response.text()
  expect({ status: response.status, text }).toMatchObject({ status })
  expect(response.headers.get('Content-Type')).toBe('application/problem+json')
  const problem: ProblemBody = JSON.parse(text)
  expect(problem).toMatchObject({
    type: expect.any(String),
    title: expect.any(String),
    status,
    detail: expect.stringMatching(/\w.*[.)]$/),
    code: code ?? expect.stringMatching(/^[a-z0-9_]+$/),
    request_id: response.headers.get('X-Request-Id'),
  })
  return problem
}

export async function bodyOf<T>(response: Response, status = 200): Promise<T> {
  const text = await response.text()
  expect({ status: response.status, text }).toMatchObject({ status })
  const body: T = JSON.parse(text)
  return body
}

export interface Created {
  job_id: string
  status: string
  websocket_url: string
  job: JobJson
}

/** A separate project for each test, so that their lists do not overlap. */
let lastProject = 1000
export function freshProject(): number {
  lastProject += 1
  return lastProject
}

export function jobBody(over: Record<string, unknown> = {}): Record<string, unknown> {
  return { project_id: 1, type: 'overlay', input_video_key: 'input/a/clip.mp4', params: {}, ...over }
}

export async function createJob(over: Record<string, unknown> = {}): Promise<Created> {
  return bodyOf<Created>(await post('/api/jobs', jobBody(over)), 201)
}

/** Fires the job's alarm, if one is set. */
export function ring(jobId: string): Promise<boolean> {
  return runDurableObjectAlarm(env.EXPORT_JOB.getByName(jobId))
}

/** A body as text, whatever its Content-Type. */
export async function textOf(response: Response): Promise<string> {
  return new TextDecoder().decode(await response.arrayBuffer())
}

/** A job whose first attempt RunPod has accepted, and the request that RunPod received. */
export async function dispatchedJob(
  runs: RunBody[],
  over: Record<string, unknown> = {},
): Promise<{ id: string; run: RunBody }> {
  const key = `input/${crypto.randomUUID()}/clip.mp4`
  const project = String(over.project_id ?? 1)
  await env.VIDEOS.put(key, 'video', { customMetadata: { project } })
  const { job_id: id } = await createJob({ input_video_key: key, ...over })
  await ring(id)
  const run = runs.find((each) => each.input.job_id === id)
  if (!run) throw new Error('RunPod was not asked to run this job.')
  return { id, run }
}

interface Link {
  project?: string
  secret?: string
  /** Milliseconds. */
  until?: number
  /** The file name of the download. */
  name?: string
}

/** The link to a file, as it is signed for a project; created without checking the file. */
export function downloadOf(key: string, link: Link = {}): string {
  const { project = '1', secret = SECRET, until = Date.now() + HOUR, name } = link
  const params = { project, ...(name !== undefined && { name }) }
  const query = signedQuery(secret, 'download', `GET ${key}`, params, until)
  return `/api/videos/download/${encodeKey(key)}?${query}`
}

/** The path of an absolute URL that this service returned. */
export function pathOf(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

/** Names of the tables that an actor has created. */
export function tablesOf(stub: DurableObjectStub): Promise<string[]> {
  return runInDurableObject(stub, (_instance, state) =>
    state.storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray()
      .map(({ name }) => name),
  )
}

export async function countRows(): Promise<number> {
  const row = await env.DB.prepare('SELECT COUNT(*) AS n FROM export_jobs').first<{ n: number }>()
  return row?.n ?? 0
}

/** Lets the retention pass: the actor erases its storage, and its row stays. */
export async function retire(id: string): Promise<void> {
  for (let i = 0; i < 5; i++) {
    vi.setSystemTime(Date.now() + 400 * 24 * HOUR)
    await ring(id)
  }
  const row = await env.DB.prepare('SELECT archived FROM export_jobs WHERE id = ?').bind(id).first()
  expect(row?.archived).toBe(1)
}
