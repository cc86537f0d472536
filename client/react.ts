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
  const { base, token } = authority ?? { base: client, token: client }
  const churn = useMemo(() => new Churn(), [])
  const restless = churn.notices(token)
  const store = useMemo(
    () => (restless ? restlessStore : createJobStore(client, id)),
    [restless, id, base, token],
  )
  // The same on the server: there it is what the store starts with, for effects do not run there.
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => ({ ...state, restart: store.restart }), [state, store])
}

/**
 * Notices that every render brings another token. Each is another store then, of which React sees the first state alone:
 * the hook would stay idle for ever, without a word.
 */
class Churn {
  #last: unknown
  #changes = 0

  notices(token: unknown): boolean {
    this.#changes = Object.is(token, this.#last) ? 0 : this.#changes + 1
    this.#last = token
    // The first render, and then a session that is renewed while it begins.
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

/** Never changes, which ends the renders that its changes would cause. */
const restlessStore: JobStore = {
  subscribe: () => () => {},
  getSnapshot: () => restlessState,
  restart: () => {},
}
