import { useEffect, useState } from 'preact/hooks'
import { isEnded, type Job } from '../../../../client/index.ts'
import type { InspectedJob } from '../../../../wire/admin.ts'
import { absolute, duration, fileName } from '../../format.ts'
import { Connection } from '../../job/connection.tsx'
import { Players } from '../../job/players.tsx'
import { Link, setQuery, useLocation } from '../../router.tsx'
import { useNow } from '../../ui/now.ts'
import { Problem } from '../../ui/problem.tsx'
import { Bar, StatusBadge } from '../../ui/status.tsx'
import { Attempts } from './attempts.tsx'
import { EventList } from './event-list.tsx'
import { NowNext } from './now-next.tsx'
import { OwedCard } from './owed.tsx'
import { RowCard } from './row-card.tsx'
import { StoredFile } from './stored-file.tsx'
import { Timeline } from './timeline.tsx'
import { type Asked, Tools } from './tools.tsx'
import { type Inspection, useInspection } from './use-inspection.ts'

/** One actor, opened up: why its job is where it is, what comes next, what it cost; and everything to be done about it. */
export function JobInspector({ id }: { id: string }) {
  const inspection = useInspection(id)
  const [left, setLeft] = useState(false)
  const { opened, error, refresh } = inspection
  useEffect(() => {
    document.title = `${id.slice(0, 8)} · Exportal`
    return () => {
      document.title = 'Exportal'
    }
  }, [id])
  if (left) {
    return (
      <section class="empty">
        <h1>The job is deleted</h1>
        <p>
          <Link to="/admin">To all jobs</Link>
        </p>
      </section>
    )
  }
  if (opened) return <Opened inspection={inspection} opened={opened} onLeft={() => setLeft(true)} />
  if (error != null) {
    return (
      <section class="job">
        <h1>Job</h1>
        <Problem error={error} title="This job cannot be opened" retry={refresh} />
        <p>
          <Link to="/admin">To all jobs</Link>
        </p>
      </section>
    )
  }
  return (
    <div class="job" role="status" aria-label="Opening the job">
      <div class="skeleton" style={{ width: '40%', height: '2.2rem' }} />
      <div class="skeleton" style={{ height: '14rem' }} />
    </div>
  )
}

interface OpenedProps {
  inspection: Inspection
  opened: InspectedJob
  onLeft: () => void
}

function Opened({ inspection, opened, onLeft }: OpenedProps) {
  const { job, actor } = opened
  const { events, filling, connection, error, refresh } = inspection
  const { query } = useLocation()
  const [asked, setAsked] = useState<Asked | null>(null)
  const now = useNow()
  const chosen = Number(query.get('event')) || null
  const select = (seq: number | null) => setQuery('event', seq === null ? null : String(seq))
  const changed = (deleted: boolean) => (deleted ? onLeft() : refresh())
  const span = { createdAt: job.created_at, finishedAt: job.finished_at }
  return (
    <article class="job inspector" data-status={job.status}>
      <header class="job-head">
        <div>
          <p class="eyebrow">
            <Link to="/admin">All jobs</Link> · {job.type} · project {job.project_id}
          </p>
          <h1>{fileName(job.input_video_key)}</h1>
          <p class="muted mono small">{job.id}</p>
        </div>
        <div class="job-tools">
          <Connection state={connection} />
          <Tools id={job.id} actor={actor} changed={changed} asked={asked} ask={setAsked} />
        </div>
      </header>
      {error != null && <Problem error={error} title="The job is not followed any more" retry={refresh} />}
      <section class="card inspector-head" aria-label="State">
        <div class="headline-row">
          <StatusBadge status={job.status} />
          {actor?.step && <span class="muted">{actor.step}</span>}
          <span class="spacer" />
          <span class="timer" role="timer" aria-label="Time since it was created">
            {duration((job.finished_at ? Date.parse(job.finished_at) : now) - Date.parse(job.created_at))}
          </span>
        </div>
        <Bar job={job} label="Progress of the job" />
        <p class="muted small">
          Created {absolute(job.created_at, now)} · attempt {job.attempt} of {job.max_attempts} · round{' '}
          {job.round}
          {actor &&
            ` · deadline ${absolute(actor.deadline.at, now)}${actor.deadline.extended ? ', extended' : ''}`}
        </p>
      </section>
      {actor && <NowNext actor={actor} now={now} />}
      {actor && (
        <Timeline
          attempts={actor.attempts}
          events={events}
          span={span}
          now={now}
          selected={chosen}
          select={select}
        />
      )}
      {opened.log && (
        <EventList events={events} filling={filling} now={now} selected={chosen} select={select} />
      )}
      {actor && <Attempts attempts={actor.attempts} now={now} />}
      <div class="inspector-cards">
        <RowCard opened={opened} now={now} repair={() => setAsked({ action: 'remirror' })} />
        {actor && (
          <OwedCard
            actor={actor}
            now={now}
            sendAgain={(delivery) => setAsked({ action: 'redeliver', delivery })}
          />
        )}
      </div>
      {isWhole(job) && (
        <>
          <Players job={job} />
          <div class="inspector-cards">
            <StoredFile name="Source" url={job.input_url} />
            <StoredFile name="Result" url={isEnded(job) ? job.output_url : null} />
          </div>
        </>
      )}
    </article>
  )
}

/** What the row alone knows has no videos. */
function isWhole(job: InspectedJob['job']): job is Job {
  return 'input_url' in job
}
