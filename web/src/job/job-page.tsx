import { useEffect, useState } from 'preact/hooks'
import { ExportalError, isEnded, type Job } from '../../../client/index.ts'
import { fileName } from '../format.ts'
import { Link } from '../router.tsx'
import { useNow } from '../ui/now.ts'
import { Problem } from '../ui/problem.tsx'
import { statusWord } from '../ui/status.tsx'
import { Actions } from './actions.tsx'
import { useCommands } from './commands.ts'
import { Connection } from './connection.tsx'
import { Facts } from './facts.tsx'
import { Headline } from './headline.tsx'
import { Log } from './log.tsx'
import { Players } from './players.tsx'
import { Share } from './share.tsx'
import { Steps } from './steps.tsx'
import { type FollowedJob, useJob } from './use-job.ts'

/** One export: where it stands, why, what is next, and its videos. */
export function JobPage({ id }: { id: string }) {
  const followed = useJob(id)
  const [deleted, setDeleted] = useState(false)
  const { job, error, follow } = followed
  // Also when it was deleted elsewhere, after it was shown here.
  const gone = job !== null && error instanceof ExportalError && error.status === 404
  if (deleted || gone) return <Deleted />
  if (job) return <Loaded job={job} followed={followed} onDeleted={() => setDeleted(true)} />
  if (error) {
    return (
      <section class="job">
        <h1>Export</h1>
        <Problem error={error} title="This export cannot be shown" retry={follow} />
        <p>
          <Link to="/">To the studio</Link>
        </p>
      </section>
    )
  }
  return <Skeleton />
}

function Loaded({ job, followed, onDeleted }: { job: Job; followed: FollowedJob; onDeleted: () => void }) {
  const { events, connection, error, follow } = followed
  const now = useNow()
  const name = fileName(job.input_video_key)
  const commands = useCommands(job, (after) => {
    if (after === null) onDeleted()
    // An ended job is not followed any more; one that was started again is.
    else if (isEnded(job)) follow()
  })
  useEffect(() => {
    const mark = job.status === 'processing' ? `${Math.floor(job.progress)} %` : statusWord(job.status)
    document.title = `${mark} · ${name} · Exportal`
    return () => {
      document.title = 'Exportal'
    }
  }, [job.status, job.progress, name])
  return (
    <article class="job" data-status={job.status}>
      <header class="job-head">
        <div>
          <p class="eyebrow">{job.type}</p>
          <h1>{name}</h1>
        </div>
        <div class="job-tools">
          <Connection state={connection} />
          <Share job={job} />
          <Actions job={job} commands={commands} />
        </div>
      </header>
      {commands.error != null && <Problem error={commands.error} title="That did not work" />}
      {error != null && <Problem error={error} title="The job is not followed any more" retry={follow} />}
      <div class="card">
        <Headline job={job} events={events} now={now} />
        <Steps job={job} events={events} now={now} />
      </div>
      <Players job={job} />
      <div class="card">
        <Facts job={job} now={now} />
        <Log job={job} events={events} now={now} />
      </div>
    </article>
  )
}

function Deleted() {
  return (
    <section class="empty">
      <h1>The export is deleted</h1>
      <p>
        Its files, its record and its log are gone. <Link to="/">To the studio</Link>
      </p>
    </section>
  )
}

function Skeleton() {
  return (
    <div class="job" role="status" aria-label="Loading the export">
      <div class="skeleton" style={{ width: '40%', height: '2.2rem' }} />
      <div class="skeleton" style={{ height: '12rem' }} />
      <div class="players">
        <div class="skeleton" style={{ aspectRatio: '16/9' }} />
        <div class="skeleton" style={{ aspectRatio: '16/9' }} />
      </div>
    </div>
  )
}
