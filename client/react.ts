/** React binding; also for Preact, with `react` aliased to `preact/compat`. React is the application's own. */
import { useMemo, useSyncExternalStore } from 'react'
import type { ExportsClient } from './index.ts'
import { createJobStore, type JobState } from './store.ts'

export interface UseExportJob extends JobState {
  /** Watches anew: after the job was retried, or after an error. */
  restart(): void
}

/** Follows one job for as long as the component is mounted. Without an id it is idle. */
export function useExportJob(
  id: string | null | undefined,
  { client }: { client: Pick<ExportsClient, 'jobs'> },
): UseExportJob {
  const store = useMemo(() => createJobStore(client, id), [client, id])
  // The same on the server: there it is what the store starts with, for effects do not run there.
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => ({ ...state, restart: store.restart }), [state, store])
}
