import { useEffect } from 'preact/hooks'
import { isEnded, type Job, type ListedJob } from '../../../client/index.ts'
import { absolute, duration, fileName, relative } from '../format.ts'
import { Actions } from '../job/actions.tsx'
import { useCommands } from '../job/commands.ts'
import { Link } from '../router.tsx'
import { exportal } from '../service.ts'
import { announce } from '../ui/announcer.tsx'
import { sentenceOf } from '../ui/problem.tsx'
import { Bar, StatusBadge, statusWord, timeLeft } from '../ui/status.tsx'

interface RowProps {
  job: Job | ListedJob
  now: number
  put: (job: Job) => void
  remove: (id: string) => void
}

/** One export of the list; an active one is followed over its socket. */
export function ExportRow({ job, now, put, remove }: RowProps) {
  const { id } = job
  const active = !isEnded(job)
  const name = fileName(job.input_video_key)
  const commands = useCommands(job, (after) => (after === null ? remove(id) : put(after)))

  useEffect(() => {
    if (!active) return
    const watch = exportal.jobs.watch(id, {
      onSnapshot: put,
      onEvent: (_, now) => now && put(now),
      onProgress: (_, now) => put(now),
    })
    watch.done.then(
      (ended) => announce(`${name}: ${statusWord(ended.status)}`),
      // Left, or gone: the list shows what it knows, and the page of the job says more.
      () => {},
    )
    return () => watch.close()
  }, [id, active, put, name])

  return (
    <li class="row" data-status={job.status} data-job={id}>
      <div class="row-main">
        <Link to={`/jobs/${id}`} class="row-name">
          {name}
        </Link>
        <span class="row-meta">
          <span class="chip">{job.type}</span>
          <time dateTime={job.created_at} title={absolute(job.created_at, now)}>
            {relative(job.created_at, now)}
          </time>
        </span>
      </div>
      <div class="row-state">
        <StatusBadge status={job.status} />
        <span class="row-note">{noteOf(job)}</span>
      </div>
      {active && <Bar job={job} label={`Progress of ${name}`} />}
      <Actions job={job} commands={commands} named />
      {commands.error != null && (
        <p class="row-error" role="alert">
          {sentenceOf(commands.error)}
        </p>
      )}
    </li>
  )
}

function noteOf(job: Job | ListedJob): string {
  if (job.status === 'processing') {
    const left = timeLeft(job)
    return [`${Math.floor(job.progress)} %`, job.stage, left].filter(Boolean).join(' · ')
  }
  if (job.status === 'error') return job.error?.message ?? ''
  if (job.status === 'complete' && job.finished_at) {
    return `took ${duration(Date.parse(job.finished_at) - Date.parse(job.created_at))}`
  }
  if (job.attempt > 1) return `Attempt ${job.attempt} of ${job.max_attempts}`
  return ''
}
