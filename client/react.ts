/**
 * React binding; also for Preact, with `react` aliased to `preact/compat`. React is a dependency of the application.
 */
import { useMemo, useSyncExternalStore } from 'react'
import { authorityOf } from './authority.ts'
import type { ExportsClient } from './index.ts'
import { createJobStore, type JobState, type JobStore } from './store.ts'

export interface UseExportJob extends JobState {
  /** Starts a new watch: after the job was retried, or after an error. */
  restart(): void
}

/**
 * Watches one job while the component is mounted. Without an id it is idle.
 *
 * A different id, service or token starts a new watch; another client of the same service and token does not, so a
 * client may be created inside the component. If each render passes a new token function, `error` reports it.
 */
export function useExportJob(
  id: string | null | undefined,
  { client }: { client: Pick<ExportsClient, 'jobs'> },
): UseExportJob {
  const authority = authorityOf(client.jobs)
  const { base, token } = authority ?? { base: client, token: client }
  const churn = useMemo(() => new Churn(), [])
  const restless = churn.notices(token)
  const store = useMemo(
    () => (restless ? restlessStore : createJobStore(client, id)),
    [restless, id, base, token],
  )
  // The server renders the store's initial state, since effects do not run there.
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => ({ ...state, restart: store.restart }), [state, store])
}

/**
 * Detects a token that changes with every render. Each change creates a new store, of which React would only ever read
 * the initial state: the hook would stay idle silently.
 */
class Churn {
  #last: unknown
  #changes = 0

  notices(token: unknown): boolean {
    this.#changes = Object.is(token, this.#last) ? 0 : this.#changes + 1
    this.#last = token
    // Allows for the first render, and for a session that is renewed while it begins.
    return this.#changes > 3
  }
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

/** Never changes, which ends the re-renders that changing stores would cause. */
const restlessStore: JobStore = {
  subscribe: () => () => {},
  getSnapshot: () => restlessState,
  restart: () => {},
}
