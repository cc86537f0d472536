/** Calls of the operators' API. */
import type { Job, JsonObject } from '../../../client/index.ts'
import type {
  BulkDone,
  InspectedJob,
  LaneJson,
  LanesJson,
  Statistics,
  TriagePage,
} from '../../../wire/admin.ts'
import { post, read, readFile } from '../service.ts'
import { queryOf, type Search } from './all/search.ts'

const pathOf = (id: string) => `/api/admin/jobs/${encodeURIComponent(id)}`

/** The service's maximum of log lines per request. */
export const LOG_PAGE = 1_000

export type LogPlace = { before: number } | { after: number } | 'newest'

export function inspect(id: string, place: LogPlace, signal?: AbortSignal): Promise<InspectedJob> {
  const query = new URLSearchParams({ limit: String(LOG_PAGE) })
  if (place !== 'newest') for (const [name, value] of Object.entries(place)) query.set(name, String(value))
  return read<InspectedJob>(`${pathOf(id)}?${query}`, signal)
}

/** Saves everything in one file, for a bug report. */
export async function download(id: string): Promise<void> {
  const url = URL.createObjectURL(await readFile(`${pathOf(id)}?download`))
  const link = document.createElement('a')
  link.href = url
  link.download = `exportal-job-${id}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** The same request as a curl command, without the reader's token. */
export function asCurl(id: string): string {
  return `curl -H "Authorization: Bearer $TOKEN" '${location.origin}${pathOf(id)}'`
}

export type ActionName =
  | 'retry_now'
  | 'cancel'
  | 'force_fail'
  | 'give_up'
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

/** One action on many jobs. @param asked the filter and the cursor; `dry_run` only counts */
export function actOnMany(asked: JsonObject): Promise<BulkDone> {
  return post<BulkDone>('/api/admin/jobs/actions', asked)
}

export function readLanes(signal?: AbortSignal): Promise<LanesJson> {
  return read<LanesJson>('/api/admin/lanes', signal)
}

export function actOnLane(
  name: string,
  action: 'pause' | 'resume',
  reason: string,
): Promise<{ lane: LaneJson }> {
  return post<{ lane: LaneJson }>(`/api/admin/lanes/${encodeURIComponent(name)}/actions`, { action, reason })
}

export function statistics(window: string, signal?: AbortSignal): Promise<Statistics> {
  return read<Statistics>(`/api/admin/stats?window=${window}`, signal)
}

export function search(
  wanted: Search,
  cursor: string | null,
  limit: number,
  signal?: AbortSignal,
): Promise<TriagePage> {
  const query = new URLSearchParams({ ...queryOf(wanted), limit: String(limit) } as Record<string, string>)
  if (cursor) query.set('cursor', cursor)
  return read<TriagePage>(`/api/admin/jobs?${query}`, signal)
}
