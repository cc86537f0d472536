/** The commands on a job, for the list and the page of one job. */
import { useState } from 'preact/hooks'
import { isEnded, type Job, type ListedJob } from '../../../client/index.ts'
import { fileName, nameOf } from '../format.ts'
import { exportal, mayWrite, projectId } from '../service.ts'
import { announce } from '../ui/announcer.tsx'

export type Command = 'cancel' | 'retry' | 'delete' | 'download'
type AnyJob = Job | ListedJob

/** Whether the service would accept the command now, and the caller has the right to change jobs where needed. */
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

/** Whether another export can be made from the same source, by opening the studio with it (`rerunPath`). */
export function canRerun(job: AnyJob): boolean {
  return isEnded(job) && !job.archived && mayWrite()
}

/** The path of the studio, filled with this job's settings. */
export function rerunPath({ id, project_id }: Pick<AnyJob, 'id' | 'project_id'>): string {
  const project = project_id === projectId() ? {} : { project: String(project_id) }
  return `/?${new URLSearchParams({ rerun: id, ...project })}`
}

export interface Commands {
  /** The command in progress. */
  busy: Command | null
  error: unknown
  run(command: Command): Promise<void>
}

/** `changed` is called with the job after the command; null once it is deleted. */
export function useCommands(job: AnyJob, changed: (job: Job | null) => void): Commands {
  const [busy, setBusy] = useState<Command | null>(null)
  const [error, setError] = useState<unknown>(null)
  const run = async (command: Command) => {
    setBusy(command)
    setError(null)
    try {
      const after = await carryOut(job, command)
      announce(`${nameOf(job)}: ${SAID[command]}`)
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

/** Null once it is deleted. */
export async function carryOut({ id }: AnyJob, command: Command): Promise<Job | null> {
  if (command === 'cancel') return exportal.jobs.cancel(id)
  if (command === 'retry') return exportal.jobs.retry(id)
  if (command === 'delete') {
    const answer = await exportal.jobs.delete(id)
    // The job was still active, and is being cancelled instead.
    return answer.success ? null : (answer.job ?? exportal.jobs.get(id))
  }
  // Signed URLs expire, so a current one is requested.
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
