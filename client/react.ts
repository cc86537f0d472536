/** React binding; also for Preact, with `react` aliased to `preact/compat`. React is the application's own. */
import { useMemo, useSyncExternalStore } from 'react'
import { authorityOf } from './authority.ts'
import type { ExportsClient } from './index.ts'
import { createJobStore, type JobState, type JobStore } from './store.ts'

export interface UseExportJob extends JobState {
  /** Watches anew: after the job was retried, or after an error. */
  restart(): void
}

/**
 * Follows one job for as long as the component is mounted. Without an id it is idle.
 *
 * Another id, service or token is another watch; another client of the same service and token is not, so that a client
 * may be made inside the component. Where that is given another token function by each render, `error` says so.
 */
export function useExportJob(
  id: string | null | undefined,
  { client }: { client: Pick<ExportsClient, 'jobs'> },
): UseExportJob {
  const authority = authorityOf(client.jobs)
  const churn = useMemo(() => new Churn(), [id])
  const store = useMemo(
    () => churn.next(() => createJobStore(client, id)),
    [churn, id, authority ? authority.base : client, authority?.token],
  )
  // The same on the server: there it is what the store starts with, for effects do not run there.
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => ({ ...state, restart: store.restart }), [state, store])
}

/** More than any tokens that are renewed before the first answer, also where each render is made twice. */
const MOST_STORES = 50

/** Notices that every render brings another store, of which none gets to its first answer. */
class Churn {
  #store: JobStore | null = null
  #fruitless = 0

  next(make: () => JobStore): JobStore {
    this.#fruitless = this.#store?.getSnapshot().job ? 0 : this.#fruitless + 1
    this.#store = this.#fruitless > MOST_STORES ? restless : make()
    return this.#store
  }
}

/** Never changes, which ends the renders that its changes would cause. */
const restless: JobStore = {
  subscribe: () => () => {},
  getSnapshot: () => restlessState,
  restart: () => {},
}

const restlessState: JobState = {
  job: null,
  progress: 0,
  connection: 'closed',
  seq: null,
  error: new Error(
    'useExportJob is given a client with another token function by every render, and so never gets to watch. ' +
      'Make the client once: outside of the component, or with useMemo.',
  ),
}
