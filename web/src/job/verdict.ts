/** A job's state in a user's terms, and the recommended action. Pure. */
import type { Job } from '../../../client/index.ts'
import { failureWords } from '../../../wire/failures.ts'
import { relative } from '../format.ts'

export type Remedy = 'download' | 'retry' | 'change' | 'upload' | null

export interface Verdict {
  title: string
  /** Null when the title is enough. */
  text: string | null
  /** The action that helps; null when none is needed, or only an operator can act. */
  remedy: Remedy
}

/** A job's place in the queue, as far as the service returns it. */
interface Turn {
  queue?: { ahead: number; paused: boolean; reason: string } | null
}

export function verdictOf(job: Job & Turn, now: number): Verdict {
  const say = (title: string, text: string | null = null, remedy: Remedy = null) => ({ title, text, remedy })
  switch (job.status) {
    case 'pending':
      return pending(job, now)
    case 'queued':
      return say('Waiting for a GPU', 'It starts by itself as soon as one is free.')
    case 'processing':
      return say(job.stage === 'storing' ? 'Storing your video' : 'Making your video')
    case 'cancelling':
      return say('Stopping the export', 'It ends as soon as the GPU has confirmed it.')
    case 'complete':
      if (job.archived) return say('This video is gone', job.reason, 'upload')
      return say('Your video is ready', job.message, 'download')
    case 'cancelled':
      return say('The export was cancelled', null, job.archived ? null : 'retry')
    case 'error':
      return failed(job)
  }
}

function pending({ queue, error, next_attempt_at: at, reason }: Job & Turn, now: number): Verdict {
  const title = error && (failureWords(error.code)?.title ?? 'An attempt failed')
  if (queue) {
    const { ahead, paused } = queue
    if (paused) return { title: 'Exports are paused', text: queue.reason, remedy: null }
    const place = ahead === 0 ? 'next in line' : `${ahead} ahead`
    return { title: `Waiting for a GPU, ${place}`, text: 'It starts by itself.', remedy: null }
  }
  if (!title) return { title: 'Getting ready', text: reason, remedy: null }
  const when = at !== null && Date.parse(at) > now ? relative(at, now) : 'any moment'
  return { title: `${title}: it is tried again`, text: `By itself, ${when}.`, remedy: null }
}

function failed({ error, archived }: Job): Verdict {
  const known = error && failureWords(error.code)
  const helps = known?.action ?? (error?.retryable === false ? 'change' : 'retry')
  const gone = archived && { retry: null, change: 'upload' as const, upload: 'upload' as const }
  const remedy = helps === 'operator' ? null : gone ? gone[helps] : helps
  const text = helps === 'operator' ? 'Only whoever runs this service can set that right.' : null
  return { title: known?.title ?? 'The export failed', text, remedy }
}
