/** The requests of the jobs API, one function each. */
import type { Transport } from './http.ts'
import type {
  CreatedJob,
  CreateJob,
  DeleteAnswer,
  EventsPage,
  Job,
  JobEvent,
  JobPage,
  ListedJob,
  ListQuery,
} from './types.ts'

export interface RequestOptions {
  signal?: AbortSignal | undefined
}

export interface CreateOptions extends RequestOptions {
  /** The same key never makes a second job. Made up when left out, so that our own repeats are safe. */
  idempotencyKey?: string | undefined
}

export interface EventsQuery extends RequestOptions {
  /** The last `seq` already known. */
  after?: number | undefined
  limit?: number | undefined
}

export const pathOf = (id: string, rest = ''): string => `/api/jobs/${encodeURIComponent(id)}${rest}`

export async function createJob(
  http: Transport,
  input: CreateJob,
  options: CreateOptions = {},
): Promise<CreatedJob> {
  const answer = await http.send({
    method: 'POST',
    path: '/api/jobs',
    body: { ...input, params: input.params ?? {} },
    headers: { 'idempotency-key': options.idempotencyKey ?? newKey() },
    signal: options.signal,
  })
  return answer.body as CreatedJob
}

export async function getJob(http: Transport, id: string, options: RequestOptions = {}): Promise<Job> {
  const answer = await http.send({ path: pathOf(id), signal: options.signal })
  return answer.body as Job
}

/** Null when the job is still what `etag` stands for, after `waitMs` on a server that can wait. */
export async function pollJob(
  http: Transport,
  id: string,
  etag: string | null,
  waitMs: number,
  signal: AbortSignal,
): Promise<{ job: Job; etag: string | null } | null> {
  const answer = await http.send({
    path: pathOf(id),
    // Without an ETag there is nothing to wait for a change of: the first look is answered at once.
    query: etag !== null && waitMs > 0 ? { wait: Math.ceil(waitMs / 1000) } : {},
    headers: etag === null ? {} : { 'if-none-match': etag },
    holdMs: waitMs,
    tries: 1,
    signal,
  })
  return answer.status === 304 ? null : { job: answer.body as Job, etag: answer.headers.get('etag') }
}

export async function listJobs(
  http: Transport,
  query: ListQuery = {},
  options: RequestOptions = {},
): Promise<JobPage> {
  const answer = await http.send({ path: '/api/jobs', query: { ...query }, signal: options.signal })
  return answer.body as JobPage
}

/** Every job that matches, newest first; the next page is fetched when the loop gets there. */
export async function* listAllJobs(
  http: Transport,
  query: ListQuery = {},
  options: RequestOptions = {},
): AsyncGenerator<ListedJob, void, undefined> {
  let page = await listJobs(http, query, options)
  for (;;) {
    yield* page.jobs
    if (!page.next_cursor) return
    page = await listJobs(http, { ...query, cursor: page.next_cursor }, options)
  }
}

/** `cancel` and `retry` are repeat-safe on the server. Both answer the job. */
export async function commandJob(
  http: Transport,
  id: string,
  command: 'cancel' | 'retry',
  options: RequestOptions = {},
): Promise<Job> {
  const answer = await http.send({ method: 'POST', path: pathOf(id, `/${command}`), signal: options.signal })
  const body = answer.body as Job | { job: Job }
  return 'job' in body ? body.job : body
}

export async function deleteJob(
  http: Transport,
  id: string,
  options: RequestOptions = {},
): Promise<DeleteAnswer> {
  let repeated = false
  const onRepeat = () => {
    repeated = true
  }
  try {
    const answer = await http.send({ method: 'DELETE', path: pathOf(id), signal: options.signal, onRepeat })
    return answer.body as DeleteAnswer
  } catch (error) {
    // The first try was carried out and only its answer lost.
    if (repeated && isMissing(error)) return { success: true }
    throw error
  }
}

export async function getEvents(http: Transport, id: string, query: EventsQuery = {}): Promise<EventsPage> {
  const { signal, after, limit } = query
  const answer = await http.send({ path: pathOf(id, '/events'), query: { after, limit }, signal })
  return answer.body as EventsPage
}

/** The whole log after a number, page by page. An archived job has none. */
export async function eventsAfter(
  http: Transport,
  id: string,
  after: number,
  signal: AbortSignal,
): Promise<JobEvent[]> {
  const events: JobEvent[] = []
  let cursor = after
  try {
    for (;;) {
      const page = await getEvents(http, id, { after: cursor, signal })
      const last = page.events.at(-1)
      if (!last || last.seq <= cursor) return events
      events.push(...page.events)
      cursor = last.seq
      if (page.last_seq !== undefined && cursor >= page.last_seq) return events
    }
  } catch (error) {
    if (isMissing(error)) return events
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'status' in error && (error.status === 404 || error.status === 410)
}

/** Not crypto.randomUUID: browsers have it only on secure origins, and a self-hosted service may be on none. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
