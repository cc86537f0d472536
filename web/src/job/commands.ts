/** What can be done to a job, as the list and the page of one job offer it. */
import { useState } from 'preact/hooks'
import { isEnded, type Job, type ListedJob } from '../../../client/index.ts'
import { fileName } from '../format.ts'
import { exportal } from '../service.ts'
import { announce } from '../ui/announcer.tsx'

export type Command = 'cancel' | 'retry' | 'delete' | 'download'
type AnyJob = Job | ListedJob

/** Whether the service would take it now, from a caller who may change jobs or only read them. */
export function allows(job: AnyJob, command: Command, mayWrite: boolean): boolean {
  if (command !== 'download' && !mayWrite) return false
  switch (command) {
    case 'cancel':
      return !isEnded(job) && job.status !== 'cancelling'
    case 'retry':
      return (job.status === 'error' || job.status === 'cancelled') && !job.archived
    case 'delete':
      return isEnded(job)
    case 'download':
      return job.status === 'complete' && !job.archived
  }
}

export interface Commands {
  /** The one that is being carried out. */
  busy: Command | null
  error: unknown
  run(command: Command): Promise<void>
}

/** `changed` gets the job as it is after the command; null once it is deleted. */
export function useCommands(job: AnyJob, changed: (job: Job | null) => void): Commands {
  const [busy, setBusy] = useState<Command | null>(null)
  const [error, setError] = useState<unknown>(null)
  const run = async (command: Command) => {
    setBusy(command)
    setError(null)
    try {
      const after = await carryOut(job, command)
      announce(`${fileName(job.input_video_key)}: ${SAID[command]}`)
      changed(after)
    } catch (reason) {
      setError(reason)
    } finally {
      setBusy(null)
    }
  }
  return { busy, error, run }
}

const SAID: Record<Command, string> = {
  cancel: 'cancel requested',
  retry: 'started again',
  delete: 'deleted',
  download: 'download started',
}

async function carryOut({ id }: AnyJob, command: Command): Promise<Job | null> {
  if (command === 'cancel') return exportal.jobs.cancel(id)
  if (command === 'retry') return exportal.jobs.retry(id)
  if (command === 'delete') {
    const answer = await exportal.jobs.delete(id)
    // It was active after all, and is being cancelled instead.
    return answer.success ? null : (answer.job ?? exportal.jobs.get(id))
  }
  // Signed addresses expire, so that of the moment is asked for.
  const job = await exportal.jobs.get(id)
  if (!job.output_url) throw new Error(job.reason)
  startDownload(exportal.absolute(job.output_url), fileName(job.output_video_key ?? id))
  return job
}

function startDownload(url: string, name: string): void {
  const link = document.createElement('a')
  link.href = url
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
}
