/**
 * One job as an observable value for any view library: `subscribe` and `getSnapshot` have the form of React's
 * useSyncExternalStore, of Svelte stores and of others. The job is watched while there are subscribers and it has not
 * ended.
 */
import type { ConnectionStatus, ExportsClient, Job, JobWatch } from './index.ts'
import { callBack } from './report.ts'

export interface JobState {
  /**
   * Null until the first answer. Kept while there are no subscribers, and while disconnected; an ended job is fetched
   * again for the next subscriber, since it may have been retried.
   */
  job: Job | null
  /** 0–100, from `job`. */
  progress: number
  connection: ConnectionStatus | 'idle'
  /** Number of the last log line received. */
  seq: number | null
  /** Why the watch ended, unless the job ended. */
  error: unknown
}

export interface JobStore {
  /** Calls `listener` on every change; returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void
  /** Returns the same object until something changes. */
  getSnapshot(): JobState
  /** Starts a new watch: after the job was retried, or after an error. */
  restart(): void
}

const idle: JobState = { job: null, progress: 0, connection: 'idle', seq: null, error: null }

/** Creates a store of one job. Without an id it stays idle, for pages that do not have one yet. */
export function createJobStore(
  client: Pick<ExportsClient, 'jobs'>,
  target: string | Job | null | undefined,
): JobStore {
  const listeners = new Set<() => void>()
  let state =
    typeof target === 'object' && target ? { ...idle, job: target, progress: target.progress } : idle
  const id = typeof target === 'object' ? target?.id : target
  let watch: JobWatch | null = null
  let next = target

  const update = (patch: Partial<JobState>) => {
    state = { ...state, ...patch }
    for (const listener of listeners) callBack(listener)
  }
  const show = (job: Job | null) => {
    if (job) update({ job, progress: job.progress })
  }

  const start = (from: string | Job) => {
    const own = client.jobs.watch(from, {
      // A later subscriber resumes here, and so receives the events in between.
      after: state.seq ?? undefined,
      onSnapshot: (job) => watch === own && show(job),
      onEvent: (_, job) => watch === own && show(job),
      onProgress: (_, job) => watch === own && show(job),
      onState: ({ status, seq, error }) => {
        if (watch === own) update({ connection: status, seq, error: error ?? null })
      },
    })
    watch = own
    next = id
  }
  const stop = () => {
    const own = watch
    watch = null
    own?.close()
  }

  return {
    subscribe(listener) {
      listeners.add(listener)
      if (next && (!watch || state.connection === 'closed')) start(next)
      return () => {
        listeners.delete(listener)
        // Views often unsubscribe and subscribe again within one turn, for which the socket is kept.
        queueMicrotask(() => {
          if (listeners.size > 0 || !watch) return
          stop()
          state = { ...state, connection: 'idle' }
        })
      }
    },
    getSnapshot: () => state,
    restart() {
      stop()
      if (!id || listeners.size === 0) return
      update({ error: null, connection: 'connecting' })
      start(id)
    },
  }
}
