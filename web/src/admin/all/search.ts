/** The search of the operators' list, stored in the URL so that it can be shared. Pure. */
import type { JobStatus, JsonObject } from '../../../../client/index.ts'

export const TABS = {
  attention: 'Needs attention',
  running: 'Running',
  waiting: 'Waiting',
  failed: 'Failed',
  cancelled: 'Cancelled',
  done: 'Done',
  all: 'All',
} as const

/** The statuses of each tab, as in the service; `attention` does not depend on the status. */
export const STATUSES: ReadonlyMap<string, readonly JobStatus[]> = new Map([
  ['running', ['processing', 'cancelling']],
  ['waiting', ['pending', 'queued']],
  ['failed', ['error']],
  ['cancelled', ['cancelled']],
  ['done', ['complete']],
])

export const SORTS = {
  newest: 'Newest',
  oldest: 'Oldest',
  longest: 'Longest',
  costliest: 'Costliest',
} as const

/** As typed: spaces at either end have no meaning. An empty text matches everything. */
export interface Search {
  tab: string
  /** A reason for attention. */
  reason: string
  /** A name, an id or the start of one, or an id of RunPod. */
  q: string
  type: string
  tag: string
  code: string
  /** The name of an endpoint. */
  endpoint: string
  /** `true` for jobs that wait for a place at their endpoint, `false` for the others. */
  waiting: string
  project: string
  from: string
  until: string
  /** The order of the loaded jobs; by default the service's. */
  sort: string
}

export const ANY: Search = {
  tab: 'attention',
  reason: '',
  q: '',
  type: '',
  tag: '',
  code: '',
  endpoint: '',
  waiting: '',
  project: '',
  from: '',
  until: '',
  sort: '',
}

/** Names in the URL that differ: there `project` is the project of the studio. */
const nameOf = (name: string) => (name === 'project' ? 'project_id' : name)
const NAMES = Object.keys(ANY) as (keyof Search)[]

/** Instants in the URL, which may be opened in another time zone; in the fields they are the reader's local times. */
const TIMES: ReadonlySet<keyof Search> = new Set(['from', 'until'])

export function searchIn(query: URLSearchParams): Search {
  const given = NAMES.map((name) => {
    const text = query.get(nameOf(name)) ?? ANY[name]
    return [name, TIMES.has(name) ? localOf(text) : text]
  })
  return Object.fromEntries(given)
}

/** The fields that differ from their defaults. */
export function saidOf(search: Search): Record<string, string | null> {
  return Object.fromEntries(
    NAMES.map((name) => {
      const text = TIMES.has(name) ? instantOf(search[name]) : search[name]
      return [nameOf(name), text === ANY[name] ? null : text]
    }),
  )
}

/** The same as a query of the service. */
export function queryOf(search: Search): JsonObject {
  const { tab, reason, q, type, tag, code, endpoint, waiting, project, from, until } = search
  const asked = {
    tab,
    reason: tab === 'attention' ? reason : '',
    type: type.trim(),
    tag: tag.trim(),
    error_code: code.trim(),
    endpoint: endpoint.trim(),
    waiting,
    project_id: project,
    created_after: instantOf(from),
    created_before: instantOf(until),
    ...wordsOf(q.trim()),
  }
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''))
}

/** The search as a filter of the bulk action; null when that lacks one of its filters. */
export function filterOf(search: Search): JsonObject | null {
  const { tab, reason: _, id, runpod_job_id, project_id, waiting, ...filter } = queryOf(search)
  if (tab === 'attention' || id !== undefined || runpod_job_id !== undefined) return null
  const status = STATUSES.get(search.tab)
  return {
    ...filter,
    ...(status && { status: [...status] }),
    ...(project_id !== undefined && { project_id: Number(project_id) }),
    ...(waiting !== undefined && { waiting: waiting === 'true' }),
  }
}

/** RunPod's ids end with the kind of their request: `-u1`, `-e1` (docs.runpod.io, job states). */
function wordsOf(q: string): Record<string, string> {
  if (/^[0-9a-f][0-9a-f-]{7,35}$/i.test(q) && !/-[eu]\d+$/i.test(q)) return { id: q.toLowerCase() }
  return /-[eu]\d+$/i.test(q) ? { runpod_job_id: q } : { name: q }
}

/** The value of a date and time field, in the reader's time zone. */
function instantOf(local: string): string {
  const at = new Date(local)
  return local && !Number.isNaN(at.getTime()) ? at.toISOString() : ''
}

/** The opposite of `instantOf`, to the minute. */
function localOf(instant: string): string {
  const at = new Date(instant)
  if (!instant || Number.isNaN(at.getTime())) return ''
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
