import { useState } from 'preact/hooks'
import type { LaneJson } from '../../../../wire/admin.ts'
import { absolute, duration, relative } from '../../format.ts'
import { Link } from '../../router.tsx'
import { useNow } from '../../ui/now.ts'
import { Problem } from '../../ui/problem.tsx'
import { useTitle } from '../../ui/use-title.ts'
import { Ask } from '../ask.tsx'
import { actOnLane, readLanes } from '../calls.ts'
import { useRenewed } from '../use-renewed.ts'
import { withTimes } from '../words.ts'
import { type Place, placesOf } from './words.ts'

const EVERY_MS = 5_000
const repeat = (ask: () => void) => setInterval(ask, EVERY_MS)

/**
 * The lane of each endpoint: the holders of its places, the waiting projects, and why dispatch is stopped. Refreshed
 * while the page is visible.
 */
export function Lanes() {
  const { value: answer, error, reload, change } = useRenewed(readLanes, repeat)
  const now = useNow()
  useTitle('Lanes')
  const changed = (lane: LaneJson) =>
    change((before) => ({
      ...before,
      lanes: before.lanes.map((each) => (each.name === lane.name ? lane : each)),
    }))
  return (
    <div class="all-jobs">
      <h1>Lanes</h1>
      {error != null && <Problem error={error} title="The lanes could not be loaded" retry={reload} />}
      {answer === null && error == null && <div class="skeleton" style={{ height: '12rem' }} />}
      {answer?.lanes.length === 0 && answer.unreachable.length === 0 && (
        <p class="muted">No endpoint is set: RUNPOD_ENDPOINT, or RUNPOD_ENDPOINTS, names them.</p>
      )}
      {answer?.lanes.map((lane) => (
        <LaneCard key={lane.name} lane={lane} now={now} changed={changed} />
      ))}
      {answer?.unreachable.map((name) => (
        <p key={name} class="muted">
          The lane of {name} did not answer. Jobs go without it meanwhile.
        </p>
      ))}
    </div>
  )
}

interface CardProps {
  lane: LaneJson
  now: number
  changed: (lane: LaneJson) => void
}

function LaneCard({ lane, now, changed }: CardProps) {
  const [asked, setAsked] = useState<'pause' | 'resume' | null>(null)
  const { name, stopped, breaker, pause, outages } = lane
  const id = `lane-${name}`
  return (
    <section class="card lane-card" aria-labelledby={id}>
      <header class="section-head">
        <h2 id={id}>{name}</h2>
        <span class="buttons">
          {(pause || breaker) && (
            <button type="button" class="primary" onClick={() => setAsked('resume')}>
              {pause ? 'Resume' : 'Try now'}
            </button>
          )}
          {!pause && (
            <button type="button" class="quiet" onClick={() => setAsked('pause')}>
              Pause
            </button>
          )}
        </span>
      </header>
      {stopped && (
        <p class="lane-stopped">
          {withTimes(stopped, now)}{' '}
          <span class="small">{pause ? relative(pause.since, now) : breaker?.detail}</span>
        </p>
      )}
      <Places lane={lane} now={now} />
      <Waiting lane={lane} now={now} />
      {outages.length > 0 && (
        <details>
          <summary>
            {outages.length} {outages.length === 1 ? 'time' : 'times'} RunPod took no jobs
          </summary>
          <ul>
            {outages.toReversed().map((outage) => (
              <li key={outage.opened_at}>
                {absolute(outage.opened_at, now)}, for{' '}
                {duration(Date.parse(outage.closed_at) - Date.parse(outage.opened_at))}
                {outage.status === null ? '' : ` (${outage.status})`}: {outage.detail}
              </li>
            ))}
          </ul>
        </details>
      )}
      {asked && (
        <Ask
          title={TITLES[asked](name)}
          action={asked === 'pause' ? 'Pause' : pause ? 'Resume' : 'Try now'}
          run={async (reason) => changed((await actOnLane(name, asked, reason)).lane)}
          onClose={() => setAsked(null)}
        >
          <p>
            {asked === 'pause' ? 'Jobs that run go on; no other is sent until somebody resumes.' : RESUMED}
          </p>
        </Ask>
      )}
    </section>
  )
}

const RESUMED = 'The job that is next is sent at once; RunPod’s answer decides whether the others follow.'
const TITLES = {
  pause: (name: string) => `Pause the lane of ${name}?`,
  resume: (name: string) => `Send jobs to ${name} again?`,
}

/** One cell per place: its job, and for how long. */
function Places({ lane, now }: { lane: LaneJson; now: number }) {
  if (lane.places === null) return <p class="muted">Any number of jobs at once: no limit is set.</p>
  const cells = placesOf(lane)
  return (
    <>
      <h3>
        {lane.taken} of {lane.places} {lane.places === 1 ? 'place' : 'places'} taken
      </h3>
      <ol class="places">
        {cells.map((place) => (
          <li key={place.key} class={place.holder ? 'taken' : ''}>
            <Cell place={place} now={now} />
          </li>
        ))}
      </ol>
    </>
  )
}

function Cell({ place: { holder }, now }: { place: Place; now: number }) {
  if (!holder) return <span class="muted">free</span>
  return (
    <Link to={`/admin/jobs/${holder.job_id}`} title={`Job ${holder.job_id}, attempt ${holder.attempt}`}>
      <span>Project {holder.project_id}</span>
      <span class="small">{duration(now - Date.parse(holder.since))}</span>
    </Link>
  )
}

function Waiting({ lane: { name, waiting, projects }, now }: { lane: LaneJson; now: number }) {
  if (waiting === 0) return <p class="muted">Nobody waits.</p>
  const jobs = `/admin?tab=all&waiting=true&endpoint=${encodeURIComponent(name)}`
  return (
    <table class="plain">
      <caption>
        <Link to={jobs}>{waiting === 1 ? '1 job waits' : `${waiting} jobs wait`}</Link>, in the order of their
        projects’ turns
      </caption>
      <thead>
        <tr>
          <th scope="col">Project</th>
          <th scope="col">Waiting</th>
          <th scope="col">The longest</th>
        </tr>
      </thead>
      <tbody>
        {projects.map((project) => (
          <tr key={project.project_id}>
            <th scope="row">{project.project_id}</th>
            <td>
              <Link to={`${jobs}&project_id=${project.project_id}`}>{project.waiting}</Link>
            </td>
            <td>{duration(now - Date.parse(project.oldest_since))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
