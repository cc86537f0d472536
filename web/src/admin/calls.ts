/** The operators' part of the API. */
import type { Job, JobPage, JsonObject } from '../../../client/index.ts'
import type { InspectedJob, Statistics } from '../../../wire/admin.ts'
import { post, read, readFile } from '../service.ts'

const pathOf = (id: string) => `/api/admin/jobs/${encodeURIComponent(id)}`

/** As many lines of the log as the service gives at once. */
export const LOG_PAGE = 1_000

export type LogPlace = { before: number } | { after: number } | 'newest'

export function inspect(id: string, place: LogPlace, signal?: AbortSignal): Promise<InspectedJob> {
  const query = new URLSearchParams({ limit: String(LOG_PAGE) })
  if (place !== 'newest') for (const [name, value] of Object.entries(place)) query.set(name, String(value))
  return read<InspectedJob>(`${pathOf(id)}?${query}`, signal)
}

/** Everything in one file, for a bug report. */
export async function download(id: string): Promise<void> {
  const url = URL.createObjectURL(await readFile(`${pathOf(id)}?download`))
  const link = document.createElement('a')
  link.href = url
  link.download = `exportal-job-${id}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** How to ask for the same by hand; the token is the reader's own. */
export function asCurl(id: string): string {
  return `curl -H "Authorization: Bearer $TOKEN" '${location.origin}${pathOf(id)}'`
}

export type ActionName =
  | 'retry_now'
  | 'cancel'
  | 'force_fail'
  | 'recheck'
  | 'remirror'
  | 'redeliver'
  | 'extend_deadline'
  | 'delete'

/** `job` is null once it is being deleted. */
export function act(
  id: string,
  action: ActionName,
  reason: string,
  more: JsonObject = {},
): Promise<{ job: Job | null }> {
  return post<{ job: Job | null }>(`${pathOf(id)}/actions`, { action, reason, ...more })
}

export function statistics(window: string, signal?: AbortSignal): Promise<Statistics> {
  return read<Statistics>(`/api/admin/stats?window=${window}`, signal)
}

/** What the list is searched for; an empty text is anything. */
export interface Search {
  id: string
  status: string
  code: string
  project: string
  from: string
  until: string
}

export function search(
  wanted: Search,
  cursor: string | null,
  limit: number,
  signal?: AbortSignal,
): Promise<JobPage> {
  const query = new URLSearchParams({ limit: String(limit) })
  const set = (name: string, value: string) => value && query.set(name, value)
  set('id', wanted.id)
  set('status', wanted.status)
  set('error_code', wanted.code)
  set('project_id', wanted.project)
  set('created_after', instantOf(wanted.from))
  set('created_before', instantOf(wanted.until))
  if (cursor) query.set('cursor', cursor)
  return read<JobPage>(`/api/jobs?${query}`, signal)
}

/** What a field for date and time holds, in the reader's own zone. */
function instantOf(local: string): string {
  const at = new Date(local)
  return local && !Number.isNaN(at.getTime()) ? at.toISOString() : ''
}
