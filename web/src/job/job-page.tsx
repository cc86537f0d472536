import { useState } from 'preact/hooks'
import { ExportalError, isEnded, type Job } from '../../../client/index.ts'
import { absolute, nameOf, sourceName } from '../format.ts'
import { Link } from '../router.tsx'
import { mayWrite, visit } from '../service.ts'
import { Icon } from '../ui/icon.tsx'
import { Name } from '../ui/name.tsx'
import { useNow } from '../ui/now.ts'
import { Problem } from '../ui/problem.tsx'
import { statusWord } from '../ui/status.tsx'
import { useTitle } from '../ui/use-title.ts'
import { useCommands } from './commands.ts'
import { Connection } from './connection.tsx'
import { Facts } from './facts.tsx'
import { Headline, Reasons } from './headline.tsx'
import { Log } from './log.tsx'
import { Result, Source } from './players.tsx'
import { Share } from './share.tsx'
import { Steps } from './steps.tsx'
import { type FollowedJob, useJob } from './use-job.ts'

/** The page of one export: its state, the reason, what comes next, and its videos. */
export function JobPage({ id }: { id: string }) {
  const followed = useJob(id)
  const [deleted, setDeleted] = useState(false)
  const { job, error, follow } = followed
  // Also when it was deleted elsewhere after it was shown.
  const gone = job !== null && error instanceof ExportalError && error.status === 404
  if (deleted || gone) return <Deleted />
  if (job) return <Loaded job={job} followed={followed} onDeleted={() => setDeleted(true)} />
  if (error) {
    return (
      <section class="job">
        <h1>Export</h1>
        <Problem
          error={error}
          title={
            visit().shared ? 'This link does not show an export any more' : 'This export cannot be shown'
          }
          retry={follow}
        />
        {mayWrite() && (
          <p>
            <Link to="/">To the studio</Link>
          </p>
        )}
      </section>
    )
  }
  return <Skeleton />
}

function Loaded({ job, followed, onDeleted }: { job: Job; followed: FollowedJob; onDeleted: () => void }) {
  const { events, connection, error, follow } = followed
  const now = useNow()
  const name = nameOf(job)
  const source = sourceName(job)
  const commands = useCommands(job, (after) => {
    if (after === null) onDeleted()
    // An ended job is not watched; one that was restarted is.
    else if (isEnded(job)) follow()
  })
  const mark = job.status === 'processing' ? `${Math.floor(job.progress)} %` : statusWord(job.status)
  useTitle(`${mark} · ${name}`)
  const { shared, until } = visit()
  return (
    <article class="job" data-status={job.status}>
      {!mayWrite() && (
        <p class="read-only" role="note">
          <Icon name="link" /> Shared with you to watch{shared ? ' and download' : ''}, and not to change
          {until !== null && `; this link works until ${absolute(until, now)}`}.
        </p>
      )}
      <header class="job-head">
        <div>
          <p class="eyebrow">
            {job.type}
            {name !== source && (
              <>
                {' '}
                · <Name>{source}</Name>
              </>
            )}
          </p>
          <h1>
            <Name>{name}</Name>
          </h1>
        </div>
        <div class="job-tools">
          <Connection state={connection} />
          {mayWrite() && <Share job={job} />}
        </div>
      </header>
      {commands.error != null && <Problem error={commands.error} title="That did not work" />}
      {error != null && <Problem error={error} title="The job is not followed any more" retry={follow} />}
      <div class="job-main card" data-result={job.output_url !== null}>
        <Headline job={job} commands={commands} now={now} />
        {job.output_url !== null && <Result job={job} />}
      </div>
      <details class="job-details card">
        <summary>Details</summary>
        <Steps job={job} events={events} now={now} />
        <Reasons job={job} events={events} now={now} />
        <div class="source-and-facts">
          <Source job={job} />
          <Facts job={job} now={now} />
        </div>
        <Log job={job} events={events} now={now} />
      </details>
    </article>
  )
}

function Deleted() {
  return (
    <section class="empty">
      <h1>The export is deleted</h1>
      <p>Its files, its record and its log are gone. {mayWrite() && <Link to="/">To the studio</Link>}</p>
    </section>
  )
}

function Skeleton() {
  return (
    <div class="job" role="status" aria-label="Loading the export">
      <div class="skeleton" style={{ width: '40%', height: '2.2rem' }} />
      <div class="skeleton" style={{ height: '12rem' }} />
    </div>
  )
}
