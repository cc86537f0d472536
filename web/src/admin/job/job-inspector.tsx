import { useState } from 'preact/hooks'
import type { InspectedJob } from '../../../../wire/admin.ts'
import { duration, sourceName } from '../../format.ts'
import { Connection } from '../../job/connection.tsx'
import { Link, setQuery, useLocation } from '../../router.tsx'
import { Name } from '../../ui/name.tsx'
import { useNow } from '../../ui/now.ts'
import { Problem } from '../../ui/problem.tsx'
import { Bar, StatusBadge } from '../../ui/status.tsx'
import { useTitle } from '../../ui/use-title.ts'
import type { Asked } from './advice.ts'
import { EventList } from './event-list.tsx'
import { NowNext } from './now-next.tsx'
import { SidePanel } from './side-panel.tsx'
import { Timeline } from './timeline.tsx'
import { Tools } from './tools.tsx'
import { type Inspection, useInspection } from './use-inspection.ts'

/** The state of one actor: why its job is in its state, what comes next, what it cost, and all actions on it. */
export function JobInspector({ id }: { id: string }) {
  const inspection = useInspection(id)
  const [left, setLeft] = useState(false)
  const { opened, error, refresh } = inspection
  useTitle(id.slice(0, 8))
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
  const span = {
    createdAt: job.created_at,
    finishedAt: job.finished_at,
    heardAt: 'last_report_at' in job ? job.last_report_at : null,
    stallSeconds: Number(actor?.policy.stallTimeoutMs ?? 60_000) / 1000,
    nextAt: 'next_attempt_at' in job ? job.next_attempt_at : null,
  }
  return (
    <article class="job inspector" data-status={job.status}>
      <header class="job-head">
        <div>
          <p class="eyebrow">
            <Link to="/admin">All jobs</Link> · {job.type} · project {job.project_id}
          </p>
          <h1>
            <Name>{sourceName(job)}</Name>
          </h1>
        </div>
        <div class="inspector-head">
          <div class="headline-row">
            <StatusBadge status={job.status} />
            {actor?.step && <span class="muted">{actor.step}</span>}
            <span class="muted small">
              attempt {job.attempt} of {job.max_attempts} · round {job.round}
            </span>
            <span class="timer" role="timer" aria-label="Time since it was created">
              {duration((job.finished_at ? Date.parse(job.finished_at) : now) - Date.parse(job.created_at))}
            </span>
          </div>
          <Bar job={job} label="Progress of the job" />
        </div>
        <div class="job-tools">
          <Connection state={connection} />
          <Tools opened={opened} changed={changed} asked={asked} ask={setAsked} />
        </div>
      </header>
      {error != null && <Problem error={error} title="The job is not followed any more" retry={refresh} />}
      <div class="inspector-panes">
        <div class="inspector-main card">
          {actor && <NowNext opened={opened} actor={actor} now={now} ask={setAsked} />}
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
        </div>
        <SidePanel
          opened={opened}
          chosen={events.find(({ seq }) => seq === chosen) ?? null}
          now={now}
          ask={setAsked}
          close={() => select(null)}
        />
      </div>
    </article>
  )
}
