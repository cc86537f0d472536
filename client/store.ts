/**
 * One job as an observable value, for any view library: `subscribe` and `getSnapshot` are what React's
 * useSyncExternalStore, Svelte and the rest ask for. It watches while somebody is subscribed and the job runs.
 */
import type { ConnectionStatus, ExportsClient, Job, JobWatch } from './index.ts'
import { callBack } from './report.ts'

export interface JobState {
  /**
   * Null until the first answer. Kept while nobody is subscribed, and while the line is down; an end that was kept is
   * asked for again with the next subscriber, for the job may have been retried.
   */
  job: Job | null
  /** 0–100, of `job`. */
  progress: number
  connection: ConnectionStatus | 'idle'
  /** Last log line seen. */
  seq: number | null
  /** Why the watch ended, when it did not end with the job. */
  error: unknown
}

export interface JobStore {
  /** Calls back on every change; returns the unsubscribe. */
  subscribe(listener: () => void): () => void
  /** The same object until something changed. */
  getSnapshot(): JobState
  /** Watches anew: after the job was retried, or after an error. */
  restart(): void
}

const idle: JobState = { job: null, progress: 0, connection: 'idle', seq: null, error: null }

/** A store of one job. Without an id it stays idle, so that a page may ask before it has one. */
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
      // A later subscriber resumes, so that it hears of what came in between.
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
        // Views often leave and come back within one turn; the socket need not.
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
